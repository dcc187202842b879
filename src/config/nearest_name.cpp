#include "src/config/nearest_name.hpp"

#include <algorithm>
#include <numeric>

namespace otfleet {
namespace {

/// Levenshtein distance: insertions, deletions and replacements count one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j - 1] + 1, above + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.size() > 200) return {};  // no slip of a finger, and the distance is quadratic
  // A right name in the wrong section counts as one edit more than the slip in the name itself.
  const auto near_enough = [](std::string_view text) {
    return std::max<std::size_t>(2, text.size() / 4);
  };
  std::string best;
  std::size_t best_distance = std::string::npos;
  for (const auto& candidate : candidates) {
    std::size_t distance = edit_distance(name, candidate);
    if (distance > near_enough(name)) distance = std::string::npos;
    const auto part = last_part(name);
    const auto part_distance = edit_distance(part, last_part(candidate));
    if (part_distance <= near_enough(part) && part_distance < part.size()) {
      distance = std::min(distance, part_distance + 1);
    }
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const auto near = nearest_name(name, candidates);
  return near.empty() ? "" : "; did you mean '" + near + "'?";
}

}  // namespace otfleet
