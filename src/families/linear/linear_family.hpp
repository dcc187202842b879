#pragma once
#include "src/families/family.hpp"

namespace otfleet {

/// Entropic transport between measures in files, balanced or not.
Family linear_family();

void make_populations(const CommandContext& context, Report& report);
void train_start_model(const CommandContext& context, Report& report);
void evaluate_starts(const CommandContext& context, Report& report);
void describe_population(const std::filesystem::path& file, std::ostream& to);

}  // namespace otfleet
