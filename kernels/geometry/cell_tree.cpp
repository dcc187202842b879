#include "kernels/geometry/cell_tree.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace otfleet::kernels {
namespace {

struct Item {
  double x[most_cell_coordinates];
  int index;
};

void find_box(std::span<const Item> items, CellTree::Node& node) {
  for (int k = 0; k < most_cell_coordinates; ++k) {
    node.low[k] = std::numeric_limits<double>::infinity();
    node.high[k] = -node.low[k];
  }
  for (const Item& item : items)
    for (int k = 0; k < most_cell_coordinates; ++k) {
      node.low[k] = std::min(node.low[k], item.x[k]);
      node.high[k] = std::max(node.high[k], item.x[k]);
    }
}

/// Splits items in two along the longest side of their box; the first part has about half of them,
/// and a multiple of `unit`. Returns its length.
int split(std::span<Item> items, const CellTree::Node& box, int unit) {
  int longest = 0;
  for (int k = 1; k < most_cell_coordinates; ++k)
    if (box.high[k] - box.low[k] > box.high[longest] - box.low[longest]) longest = k;
  const int units = (static_cast<int>(items.size()) + unit - 1) / unit,
            first = (units + 1) / 2 * unit;
  // Equal coordinates are told apart by the points' numbers: the order is one on every machine.
  std::nth_element(items.begin(), items.begin() + first, items.end(),
                   [longest](const Item& one, const Item& other) {
                     if (one.x[longest] != other.x[longest])
                       return one.x[longest] < other.x[longest];
                     return one.index < other.index;
                   });
  return first;
}

/// Orders the points of a cell so that its runs are compact.
void order_cell(std::span<Item> items) {
  const int count = static_cast<int>(items.size());
  if (count <= CellTree::run_points) return;
  const int unit = count > 48 ? 48 : count > 16 ? 16 : CellTree::run_points;
  CellTree::Node box{};
  find_box(items, box);
  const auto first = static_cast<std::size_t>(split(items, box, unit));
  order_cell(items.first(first));
  order_cell(items.subspan(first));
}

}  // namespace

CellTree::CellTree(std::span<const double> points, int d) : dimension_(d) {
  if (d < 1 || d > most_cell_coordinates)
    throw std::invalid_argument("cells are for points of at most " +
                                std::to_string(most_cell_coordinates) +
                                " coordinates, these have " + std::to_string(d));
  const std::size_t n = points.size() / static_cast<std::size_t>(d);
  if (n == 0) return;
  std::vector<Item> items(n);
  for (std::size_t i = 0; i < n; ++i) {
    items[i] = {{}, static_cast<int>(i)};
    for (int k = 0; k < d; ++k) items[i].x[k] = points[i * static_cast<std::size_t>(d) + k];
  }
  const auto part = [&](const Node& node) {
    return std::span<Item>(items).subspan(static_cast<std::size_t>(node.begin),
                                          static_cast<std::size_t>(node.count()));
  };
  nodes_.push_back({0, static_cast<int>(n), -1, {}, {}});
  leaves_.resize(static_cast<std::size_t>((n + cell_points - 1) / cell_points));
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    find_box(part(nodes_[at]), nodes_[at]);
    const Node node = nodes_[at];
    if (node.count() <= cell_points) {
      order_cell(part(node));
      leaves_[static_cast<std::size_t>(node.begin / cell_points)] = static_cast<int>(at);
      continue;
    }
    const int middle = node.begin + split(part(node), node, cell_points);
    nodes_[at].children = static_cast<int>(nodes_.size());
    nodes_.push_back({node.begin, middle, -1, {}, {}});
    nodes_.push_back({middle, node.end, -1, {}, {}});
  }
  order_.resize(n);
  for (std::size_t i = 0; i < n; ++i) order_[i] = items[i].index;
}

}  // namespace otfleet::kernels
