#include "src/populations/measure_contexts.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <utility>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"

namespace otfleet {
namespace {

/// What nobody would read otherwise.
void require_measures(const DataOptions& data) {
  const std::pair<const char*, const MeasureSource*> sides[] = {
      {"data.train", &data.train},
      {"data.test", &data.test},
      {"data.train_target", &data.train_target},
      {"data.test_target", &data.test_target}};
  for (const auto& [key, side] : sides)
    if (side->empty() && !side->contexts.empty())
      throw UserError(
          fmt::format("{}: {}.contexts is given, but not {}", name_of(side->contexts), key, key));
}

/// A row for each of the `measures` of a side; none where the job gives none.
Contexts read_contexts_of(const MeasureSource& side, std::int64_t measures) {
  if (side.contexts.empty()) return {};
  auto array = read_array(side.contexts);
  const auto name = name_of(side.contexts);
  auto& shape = array.shape;
  if (shape.size() == 1) shape.push_back(1);
  if (shape.size() != 2 || shape[0] != measures || shape[1] < 1)
    throw UserError(fmt::format(
        "{}: contexts have shape {}, but {} has {} measure{}: [{}, C] was expected, a row for each"
        "{}",
        name, shape_text(shape), name_of(side), measures, measures == 1 ? "" : "s", measures,
        side.groups.empty() ? "" : " group that has points, in ascending order"));
  for (std::size_t at = 0; at < array.values.size(); ++at)
    if (!std::isfinite(array.values[at]))
      throw UserError(fmt::format("{}: row {} of the contexts holds {}; contexts are finite", name,
                                  static_cast<std::int64_t>(at) / shape[1], array.values[at]));
  return {shape[1], std::move(array.values)};
}

void append_row(const Contexts& contexts, std::int64_t row, std::vector<double>& values) {
  const auto begin = contexts.values.begin() + row * contexts.width;
  values.insert(values.end(), begin, begin + contexts.width);
}

}  // namespace

void add_contexts(CloudPopulation& population, const Job& job, Split split) {
  require_measures(job.data);
  const bool train = split == Split::train, shared = population.shared_measures;
  const auto own =
      read_contexts_of(train ? job.data.train : job.data.test, population.sources.count());
  const auto of_targets =
      shared ? Contexts{}
             : read_contexts_of(train ? job.data.train_target : job.data.test_target,
                                population.targets.count());
  Contexts& contexts = population.contexts;
  contexts.width = own.width + of_targets.width;
  for (std::int64_t k = 0; contexts.width > 0 && k < population.problems(); ++k) {
    append_row(own, shared ? population.target[k] : population.source[k], contexts.values);
    append_row(of_targets, population.target[k], contexts.values);
  }
}

}  // namespace otfleet
