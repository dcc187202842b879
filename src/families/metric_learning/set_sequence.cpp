#include "src/families/metric_learning/set_sequence.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/fingerprint.hpp"
#include "src/families/neural_dual/samplers/sample_numbers.hpp"
#include "src/job.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t set_numbers = 0x73657473;

/// Where the Gaussian of point number `point` of a set lies at a time from 0 to 1.
struct NamedSequence {
  const char* name;
  std::int64_t sets;
  double deviation;
  void (*center)(std::int64_t set, double time, std::int64_t point, double* center);
};

constexpr NamedSequence named_sequences[] = {
    {"circle", 24, 0.1,
     [](std::int64_t set, double /*time*/, std::int64_t /*point*/, double* center) {
       const double angle = 2 * std::numbers::pi * static_cast<double>(set) / 24;
       center[0] = std::cos(angle);
       center[1] = std::sin(angle);
     }},
    {"vee", 10, 1,
     [](std::int64_t /*set*/, double time, std::int64_t point, double* center) {
       center[0] = 10 * time;
       center[1] = (point % 2 == 0 ? 10 : -10) * time;
     }},
    {"crossing", 11, 0.1,
     [](std::int64_t /*set*/, double time, std::int64_t point, double* center) {
       center[0] = 2 * time - 1;
       center[1] = point % 2 == 0 ? center[0] : -center[0];
     }},
};

SetSequence draw_sequence(const NamedSequence& named, std::int64_t of_set, std::int64_t seed) {
  SetSequence sequence{named.name, named.sets, of_set, {}};
  const NumberSource source(SampleSequence::random, static_cast<std::uint64_t>(seed), set_numbers,
                            2);
  for (std::int64_t set = 0; set < named.sets; ++set)
    for (std::int64_t point = 0; point < of_set; ++point) {
      const double time = static_cast<double>(set) / static_cast<double>(named.sets - 1);
      double center[2];
      named.center(set, time, point, center);
      SampleNumbers numbers(source, set * of_set + point);
      for (const double coordinate : center)
        sequence.points.push_back(coordinate + named.deviation * numbers.normal());
    }
  return sequence;
}

SetSequence read_own_sequence(const ArraySource& source) {
  auto array = read_array(source);
  const auto& shape = array.shape;
  if (shape.size() != 3 || shape[0] < 2 || shape[1] < 2 || shape[2] != 2)
    throw UserError(fmt::format(
        "{}: must be [T, N, 2], at least two sets of at least two points of the plane, not {}",
        name_of(source), shape_text(shape)));
  for (std::size_t k = 0; k < array.values.size(); ++k)
    if (!std::isfinite(array.values[k])) {
      const auto of_set = static_cast<std::size_t>(shape[1]);
      throw UserError(fmt::format("{}: holds {} in point {} of set {}; points are finite",
                                  name_of(source), array.values[k], k / 2 % of_set,
                                  k / 2 / of_set));
    }
  return {name_of(source), shape[0], shape[1], std::move(array.values)};
}

}  // namespace

std::vector<std::string> set_sequence_names() {
  std::vector<std::string> names;
  for (const auto& named : named_sequences) names.emplace_back(named.name);
  return names;
}

std::string SetSequence::fingerprint() const {
  Fnv hash;
  hash.add(std::vector<std::int64_t>{sets, of_set});
  hash.add(points);
  return hash.digits();
}

SetSequence read_set_sequence(const Job& job) {
  SetSequence sequence;
  if (!job.metric.points.empty()) {
    sequence = read_own_sequence(job.metric.points);
  } else {
    for (const auto& named : named_sequences)
      if (job.metric.sequence == named.name)
        sequence = draw_sequence(named, job.metric.draws, job.seed);
  }
  const auto& box = job.metric.box;
  for (std::size_t k = 0; !box.empty() && k < sequence.points.size(); ++k) {
    const double value = sequence.points[k];
    const std::size_t axis = k % 2, point = k / 2,
                      of_set = static_cast<std::size_t>(sequence.of_set);
    if (value < box[2 * axis] || value > box[2 * axis + 1])
      throw UserError(fmt::format(
          "{}: point {} of set {} has the coordinate {:g}, beyond metric.box = {:g} to {:g}",
          sequence.name, point % of_set, point / of_set, value, box[2 * axis], box[2 * axis + 1]));
  }
  return sequence;
}

std::vector<double> box_of(const Job& job, const SetSequence& sequence) {
  if (!job.metric.box.empty()) return job.metric.box;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> box = {infinity, -infinity, infinity, -infinity};
  for (std::size_t k = 0; k < sequence.points.size(); ++k) {
    const std::size_t axis = k % 2;
    box[2 * axis] = std::min(box[2 * axis], sequence.points[k]);
    box[2 * axis + 1] = std::max(box[2 * axis + 1], sequence.points[k]);
  }
  for (std::size_t axis = 0; axis < 2; ++axis) {
    double &low = box[2 * axis], &high = box[2 * axis + 1];
    const double width = high - low, least = 1e-6 * std::max(std::abs(low), std::abs(high)),
                 margin = width > 0 || least > 0 ? std::max(0.1 * width, least) : 1;
    low -= margin;
    high += margin;
    if (!std::isfinite(high - low))
      throw UserError(sequence.name + ": points are too far apart for a grid");
  }
  return box;
}

}  // namespace otfleet
