#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace otfleet {

/// The candidate most like `name` by edit distance, or the one whose last part ("threshold" of
/// "solver.threshold") is most like that of `name`; empty when none is near enough to be what a
/// user meant. Local.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

/// "; did you mean '…'?" for the end of a message, or nothing where no candidate is near. Local.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace otfleet
