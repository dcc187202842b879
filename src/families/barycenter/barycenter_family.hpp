#pragma once
#include "src/families/family.hpp"

namespace otfleet {

/// Entropic Wasserstein barycenters of measures in files, with fixed or free support.
Family barycenter_family();

void make_barycenters(const CommandContext& context, Report& report);
std::unique_ptr<ProblemSet> open_barycenters(const CommandContext& context, Report& report);
std::unique_ptr<ProblemSet> open_free_supports(const CommandContext& context, Report& report);
void describe_barycenters(const std::filesystem::path& file, std::ostream& to);

}  // namespace otfleet
