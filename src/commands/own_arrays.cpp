#include "src/commands/own_arrays.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet {
namespace {

/// Does an option say that measures share their points?
bool shares_points(const OwnData& data) {
  return !data.points.empty() ||
         (!data.cost.empty() && !kernels::find_ground_cost(data.cost).has_value());
}

bool has_points_of_its_own(const OwnData& data) {
  for (const auto* option :
       {&data.source_weights, &data.target_weights, &data.source_groups, &data.target_groups})
    if (!option->empty()) return true;
  return false;
}

OwnKind kind_of(const OwnArray& array, const OwnData& data) {
  if (const auto told = value_of<OwnKind>(data.kind)) return *told;
  if (shares_points(data)) return OwnKind::weights;
  if (has_points_of_its_own(data)) return OwnKind::points;
  switch (array.shape.size()) {
    case 1:
      return OwnKind::weights;
    case 2:
      return OwnKind::points;
    case 3:
    case 4:
      return OwnKind::images;
    default:
      throw UserError(fmt::format(
          "{}: shape {} is nothing that can be transported; weights [n] or [M, n], points [n, d], "
          "images [M, h, w], or with --kind points [M, n, d] can",
          array.name, shape_text(array.shape)));
  }
}

std::string count_of(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string pixels(const std::vector<std::int64_t>& shape, std::size_t first) {
  std::string text;
  for (auto d = first; d < shape.size(); ++d)
    text += (d > first ? " x " : "") + std::to_string(shape[d]);
  return text + " pixels, whose values are the weights";
}

std::string what_it_is(const OwnArray& array, const OwnData& data) {
  const auto& shape = array.shape;
  const auto many = shape.size();
  if (array.kind == OwnKind::images)
    return many == 2 ? "an image of " + pixels(shape, 0)
                     : count_of(shape[0], "image") + " of " + pixels(shape, 1);
  if (array.kind == OwnKind::points) {
    const auto n = many == 3 ? shape[1] : shape[0], d = many == 1 ? 1 : shape.back();
    const bool is_source = array.name == data.source;
    const auto& weights = is_source ? data.source_weights : data.target_weights;
    const auto& groups = is_source ? data.source_groups : data.target_groups;
    return (many == 3 ? count_of(shape[0], "measure") + " of " : "") + count_of(n, "point") +
           " of " + count_of(d, "coordinate") +
           (weights.empty() ? ", equal weights" : ", weights " + weights) +
           (groups.empty() ? "" : ", groups " + groups);
  }
  std::int64_t points = 1;
  for (std::size_t d = many > 1 ? 1 : 0; d < many; ++d) points *= shape[d];
  return (many > 1 ? count_of(shape[0], "measure") + " of " : "") + count_of(points, "weight") +
         (shares_points(data) ? "" : " on a line from 0 to 1");
}

std::string others(OwnKind kind) {
  std::string text;
  for (const auto& choice : Choices<OwnKind>::list)
    if (choice.value != kind) text += (text.empty() ? "" : " or ") + std::string(choice.word);
  return text;
}

}  // namespace

OwnArray look_at(const std::string& name, const OwnData& data) {
  const Array values = read_array(named_array(name));
  const auto zeros = std::count(values.values.begin(), values.values.end(), 0.0);
  OwnArray array{
      name, values.shape, {}, 2 * static_cast<std::size_t>(zeros) > values.values.size()};
  array.kind = kind_of(array, data);
  return array;
}

std::string describe(const OwnArray& array, const OwnData& data) {
  return fmt::format("{} {}: {}{}\n", array.name, shape_text(array.shape), what_it_is(array, data),
                     data.kind.empty() && !shares_points(data)
                         ? " (--kind " + others(array.kind) + " says otherwise)"
                         : "");
}

std::string taken_for(const OwnArray& array, const OwnData& data) {
  return fmt::format("{} {} was taken for {} ({})", array.name, shape_text(array.shape),
                     what_it_is(array, data),
                     !data.kind.empty()     ? "--kind says so"
                     : !data.points.empty() ? "--points makes it so"
                     : shares_points(data)  ? "a cost matrix makes it so"
                                            : "--kind " + others(array.kind) + " says otherwise");
}

}  // namespace otfleet
