#pragma once
#include <cstdint>
#include <string>

#include "src/config/key_list.hpp"

namespace otfleet {

struct Job;

/// Whether the points of a barycenter are given, or found.
enum class BarycenterSupport { fixed, free };

template <>
struct Choices<BarycenterSupport> {
  static constexpr Choice<BarycenterSupport> list[] = {{"fixed", BarycenterSupport::fixed},
                                                       {"free", BarycenterSupport::free}};
};

/// The weights of a problem's measures, of what make builds.
enum class MeanWeights { equal, random };

template <>
struct Choices<MeanWeights> {
  static constexpr Choice<MeanWeights> list[] = {{"equal", MeanWeights::equal},
                                                 {"random", MeanWeights::random}};
};

/// [barycenter]
struct BarycenterOptions {
  bool debiased = false;
  BarycenterSupport support = BarycenterSupport::fixed;
  std::int64_t points = 100;                            // of a barycenter whose support is free
  double point_threshold = 1e-3;                        // on the residual of these
  std::int64_t max_moves = 500;                         // of their points
  std::int64_t fewest_measures = 2, most_measures = 5;  // of a problem that make builds
  MeanWeights weights = MeanWeights::equal;             // the same
};

void add_keys(KeyList& keys, BarycenterOptions& barycenter);

/// What is wrong with the section in the whole job, or empty. Local.
std::string barycenter_complaint(const Job& job);

}  // namespace otfleet
