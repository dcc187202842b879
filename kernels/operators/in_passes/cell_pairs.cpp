#include "kernels/operators/in_passes/cell_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/geometry/box_cost.hpp"
#include "kernels/rounding.hpp"

namespace otfleet::kernels {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// of_leaf(begin, end) for leaves, of_two(one, other) for the nodes above.
template <class OfLeaf, class OfTwo>
std::vector<double> in_nodes(const CellTree& tree, const OfLeaf& of_leaf, const OfTwo& of_two) {
  const auto& nodes = tree.nodes();
  std::vector<double> result(nodes.size());
  for (std::size_t at = nodes.size(); at-- > 0;) {
    const auto& node = nodes[at];
    const auto child = static_cast<std::size_t>(node.children);
    result[at] =
        node.is_leaf() ? of_leaf(node.begin, node.end) : of_two(result[child], result[child + 1]);
  }
  return result;
}

double larger(double x, double y) {
  return x > y ? x : y;
}

/// log2(2^x + 2^y).
double log_add(double x, double y) {
  const double most = larger(x, y);
  return most > -infinite ? most + std::log2(std::exp2(x - most) + std::exp2(y - most)) : most;
}

/// Calls visit(number, node) for a tree from a node on, and goes on below a node where it says so.
/// Nodes come in the order of their points.
template <class Visit>
void descend(const CellTree& tree, const Visit& visit, int from = 0) {
  if (tree.nodes().empty()) return;
  int waiting[64];  // one for every depth, of which there are 32 at most: nodes halve
  int count = 0;
  waiting[count++] = from;
  while (count > 0) {
    const int at = waiting[--count];
    const auto& node = tree.nodes()[static_cast<std::size_t>(at)];
    if (!visit(at, node) || node.is_leaf()) continue;
    waiting[count++] = node.children + 1;
    waiting[count++] = node.children;
  }
}

}  // namespace

CellPotentials summarize(const CellTree& tree, std::span<const double> f,
                         std::span<const double> log2_weights) {
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  CellPotentials result;
  result.largest = in_nodes(
      tree,
      [&](int begin, int end) {
        double most = -infinite;
        for (int i = begin; i < end; ++i) most = larger(most, f[at(i)] - log2_weights[at(i)]);
        return most;
      },
      larger);
  result.log_sum = in_nodes(
      tree,
      [&](int begin, int end) {
        double most = -infinite, sum = 0;
        for (int i = begin; i < end; ++i) most = larger(most, f[at(i)]);
        if (!(most > -infinite)) return most;
        for (int i = begin; i < end; ++i) sum += std::exp2(f[at(i)] - most);
        return most + std::log2(sum);
      },
      log_add);
  return result;
}

std::vector<double> smallest_in_nodes(const CellTree& tree, std::span<const double> values) {
  return in_nodes(
      tree,
      [&](int begin, int end) {
        return *std::min_element(values.begin() + begin, values.begin() + end);
      },
      [](double x, double y) { return std::min(x, y); });
}

std::vector<double> sums_in_nodes(const CellTree& tree, std::span<const double> values) {
  return in_nodes(
      tree,
      [&](int begin, int end) {
        double sum = 0;
        for (int i = begin; i < end; ++i) sum += values[static_cast<std::size_t>(i)];
        return sum;
      },
      [](double x, double y) { return x + y; });
}

void CellLists::add(int cell) {
  const bool follows = static_cast<int>(ranges.size()) > first.back() && ranges.back().end == cell;
  if (follows)
    ++ranges.back().end;
  else
    ranges.push_back({cell, cell + 1});
}

double CellLists::pairs() const {
  double sum = 0;
  for (const CellRange& range : ranges) sum += range.end - range.begin;
  return sum;
}

CellLists transpose(const CellLists& lists, int columns) {
  const auto at = [](int c) { return static_cast<std::size_t>(c); };
  // Ranges of rows, of which there are few, rather than rows: visit(column, row, begins a range?).
  const auto for_pairs = [&](const auto& visit) {
    std::vector<int> last(at(columns), -2);
    for (int row = 0; at(row) + 1 < lists.first.size(); ++row)
      for (int k = lists.first[at(row)]; k < lists.first[at(row) + 1]; ++k)
        for (int c = lists.ranges[at(k)].begin; c < lists.ranges[at(k)].end; ++c) {
          visit(c, row, last[at(c)] != row - 1);
          last[at(c)] = row;
        }
  };
  CellLists result;
  result.first.assign(at(columns) + 1, 0);
  for_pairs([&](int c, int, bool begins) { result.first[at(c) + 1] += begins; });
  for (int c = 0; c < columns; ++c) result.first[at(c) + 1] += result.first[at(c)];
  result.ranges.resize(at(result.first.back()));
  std::vector<int> next(result.first.begin(), result.first.end() - 1);
  for_pairs([&](int c, int row, bool begins) {
    if (begins) result.ranges[at(next[at(c)]++)].begin = row;
    result.ranges[at(next[at(c)] - 1)].end = row + 1;
  });
  return result;
}

CellPairs::CellPairs(const CellTree& source, const CellTree& target, const GroundCost& cost,
                     double scale, double cost_error)
    : source_(source), target_(target), cost_(cost), scale_(scale), cost_error_(cost_error) {}

CellLists CellPairs::near_rows(Side rows, const CellPotentials& columns, double bits) const {
  const CellTree& from = rows == Side::source ? source_ : target_;
  const CellTree& to = rows == Side::source ? target_ : source_;
  CellLists lists;
  with_ground_cost(cost_, [&](const auto& cost) {
    const int d = from.dimension();
    for (int cell = 0; cell < from.cells(); ++cell) {
      const auto& row = from.nodes()[static_cast<std::size_t>(from.leaves()[cell])];
      const auto exponent = [&](double value, double cost_between) {
        return value - scale_ * cost_between;
      };
      // No row's largest term is smaller than `sure`.
      double sure = -infinite;
      descend(to, [&](int at, const auto& node) {
        const double most = columns.log_sum[static_cast<std::size_t>(at)];
        if (exponent(most, least_cost(cost, row, node, d)) <= sure) return false;
        const double term = exponent(most, most_cost(cost, row, node, d));
        sure = larger(sure, term);
        return true;
      });
      descend(to, [&](int at, const auto& node) {
        const double share = static_cast<double>(node.count()) / to.count();
        const double most =
            exponent(columns.log_sum[static_cast<std::size_t>(at)], least_cost(cost, row, node, d));
        if (most <= sure - bits + std::log2(share)) return false;
        if (node.is_leaf()) lists.add(node.begin / cell_points);
        return true;
      });
      lists.end_row();
    }
  });
  return lists;
}

/// visit(source leaf, target node, lower bound of costs, is left out); the target's nodes in order.
template <class Visit>
void CellPairs::walk(const Visit& visit) const {
  with_ground_cost(cost_, [&](const auto& cost) {
    const int d = source_.dimension();
    for (const int leaf : source_.leaves()) {
      const auto row = source_.nodes()[static_cast<std::size_t>(leaf)];
      const double own = source_largest_[static_cast<std::size_t>(leaf)] - log2_cutoff_;
      descend(target_, [&](int at, const auto& node) {
        const double low = least_cost(cost, row, node, d) - cost_error_;
        const bool is_left_out =
            own + target_largest_[static_cast<std::size_t>(at)] - scale_ * low <= 0;
        if (is_left_out || node.is_leaf()) visit(leaf, at, low, is_left_out);
        return !is_left_out;
      });
    }
  });
}

void CellPairs::choose(const CellPotentials& source, const CellPotentials& target, double cutoff) {
  source_largest_ = source.largest;
  target_largest_ = target.largest;
  log2_cutoff_ = std::log2(cutoff);
}

double CellPairs::choose_by_share(const CellPotentials& source, const CellPotentials& target,
                                  double share) {
  constexpr double least = 0x1p-64;
  double cutoff = 1, leaves = infinite;
  while (true) {
    choose(source, target, cutoff);
    leaves = left_out(source, target);
    if (leaves <= share || cutoff <= least) return leaves;
    // What is left out falls about as the cutoff does, or faster.
    const double fall = std::clamp(share / leaves, 0.125, 0.5);
    cutoff *= std::isfinite(fall) ? fall : 0.5;
  }
}

CellLists CellPairs::kept() const {
  CellLists lists;
  int row = -1, cell = -1;
  const auto close_gaps = [&] {
    const auto begin = static_cast<std::size_t>(lists.first.back());
    for (int gap = 1; static_cast<int>(lists.ranges.size() - begin) > most_ranges; gap *= 2) {
      std::size_t to = begin;
      for (std::size_t at = begin + 1; at < lists.ranges.size(); ++at)
        if (lists.ranges[at].begin - lists.ranges[to].end <= gap)
          lists.ranges[to].end = lists.ranges[at].end;
        else
          lists.ranges[++to] = lists.ranges[at];
      lists.ranges.resize(to + 1);
    }
  };
  const auto end_rows = [&](int next) {
    for (; row < next; ++row)
      if (row >= 0) {
        close_gaps();
        lists.end_row();
      }
  };
  walk([&](int leaf, int at, double, bool is_left_out) {
    cell = source_.nodes()[static_cast<std::size_t>(leaf)].begin / cell_points;
    if (cell != row) end_rows(cell);
    if (!is_left_out) lists.add(target_.nodes()[static_cast<std::size_t>(at)].begin / cell_points);
  });
  end_rows(source_.cells());
  return lists;
}

double CellPairs::left_out(const CellPotentials& source, const CellPotentials& target) const {
  // A sum of 2^f over n points, its logarithm and (1) are off by a few roundings of n terms, and of
  // exponents as large as these.
  const double terms = 4.0 * (source_.count() + target_.count() + 64);
  constexpr double least = -1000;  // what no double holds is not nothing
  double sum = 0;
  walk([&](int leaf, int at, double low, bool is_left_out) {
    if (!is_left_out) return;
    const double f = source.log_sum[static_cast<std::size_t>(leaf)];
    const double g = target.log_sum[static_cast<std::size_t>(at)];
    const double cost = scale_ * low;
    const double hidden = 8 * one_rounding * (std::abs(f) + std::abs(g) + std::abs(cost));
    sum += std::exp2(std::max(f + g - cost + hidden, least));
  });
  return sum * (1 + terms * one_rounding) * (1 + 1e-9);
}

std::vector<double> CellPairs::least_left_out(Side rows, std::span<const double> least_x) const {
  const CellTree& tree = rows == Side::source ? source_ : target_;
  std::vector<double> least(tree.nodes().size(), infinite);
  walk([&](int leaf, int at, double low, bool is_left_out) {
    if (!is_left_out) return;
    const int row = rows == Side::source ? leaf : at, column = rows == Side::source ? at : leaf;
    double& own = least[static_cast<std::size_t>(row)];
    own = std::min(own, low + least_x[static_cast<std::size_t>(column)]);
  });
  std::vector<double> result(static_cast<std::size_t>(tree.cells()));
  for (std::size_t at = 0; at < least.size(); ++at) {
    const auto& node = tree.nodes()[at];
    if (node.is_leaf()) {
      result[static_cast<std::size_t>(node.begin / cell_points)] = least[at];
      continue;
    }
    for (const int child : {node.children, node.children + 1}) {
      double& below = least[static_cast<std::size_t>(child)];
      below = std::min(below, least[at]);
    }
  }
  return result;
}

std::vector<double> CellPairs::most_cost_left_out(std::span<const double> mass) const {
  constexpr double close = 0.9;
  std::vector<double> sums(static_cast<std::size_t>(source_.cells()), 0.0);
  with_ground_cost(cost_, [&](const auto& cost) {
    const int d = source_.dimension();
    walk([&](int leaf, int at, double, bool is_left_out) {
      if (!is_left_out) return;
      const auto& row = source_.nodes()[static_cast<std::size_t>(leaf)];
      double& sum = sums[static_cast<std::size_t>(row.begin / cell_points)];
      descend(
          target_,
          [&](int below, const auto& node) {
            const double most = most_cost(cost, row, node, d);
            const bool taken = node.is_leaf() || least_cost(cost, row, node, d) >= close * most;
            if (taken) sum += mass[static_cast<std::size_t>(below)] * (most + cost_error_);
            return !taken;
          },
          at);
    });
  });
  for (double& sum : sums) sum *= 1 + 1e-9;
  return sums;
}

}  // namespace otfleet::kernels
