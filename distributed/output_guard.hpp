#pragma once
#include <filesystem>
#include <string>

#include "distributed/file_mark.hpp"

// What a run may replace: nothing that it reads, and nothing that otfleet did not make. Local; one
// thread of a process at a time.

namespace otfleet::distributed {

/// From now on this process replaces and removes `file` under no name, links included. `what` says
/// which input it is: "data.train.file".
void protect_input(const std::filesystem::path& file, const std::string& what);

/// Whether `file` is an input, by whatever name.
bool is_input(const std::filesystem::path& file);

/// Throws UserError unless nothing is at `path`, or a file with the mark that is no input.
void check_replaceable(const std::filesystem::path& path, const FileMark& mark);

}  // namespace otfleet::distributed
