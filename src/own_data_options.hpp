#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "src/commands/own_data.hpp"

namespace otfleet {

/// The options of `otfleet solve` for data without a job; they fill `data`.
void add_own_data_options(CLI::App& app, OwnData& data);

/// What is wrong with `solve` given a job (empty: none) and these options, or empty.
std::string own_data_complaint(const std::string& job, const OwnData& data);

/// Does this look like the name of an array, where the name of a job was expected?
bool is_name_of_an_array(const std::string& name);

/// What to type instead of an array in place of a job.
std::string array_in_place_of_a_job(const std::string& name);

/// A command line as a shell takes it.
std::string quoted_command(int argc, char** argv);

}  // namespace otfleet
