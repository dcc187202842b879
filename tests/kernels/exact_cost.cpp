#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include "tests/kernels/reference.hpp"

namespace otfleet::kernels::test {
namespace {

/// Weights as integers with the sum 2^50; what rounding loses goes to the largest.
std::vector<std::int64_t> integer_weights(const std::vector<double>& weights, double mass) {
  constexpr std::int64_t total = std::int64_t(1) << 50;
  std::vector<std::int64_t> result;
  std::int64_t rest = total;
  for (double weight : weights) {
    result.push_back(std::llround(weight / mass * static_cast<double>(total)));
    rest -= result.back();
  }
  *std::max_element(result.begin(), result.end()) += rest;
  return result;
}

}  // namespace

double exact_cost(const DenseProblem& problem) {
  using Graph = lemon::SmartDigraph;
  const auto [low, high] = std::minmax_element(problem.cost.begin(), problem.cost.end());
  const double unit = std::max(*high - *low, 1e-300) / static_cast<double>(std::int64_t(1) << 40);
  const auto a = integer_weights(problem.a, problem.mass());
  const auto b = integer_weights(problem.b, problem.mass());

  Graph graph;
  std::vector<Graph::Node> from, to;
  for (int i = 0; i < problem.n; ++i) from.push_back(graph.addNode());
  for (int j = 0; j < problem.m; ++j) to.push_back(graph.addNode());
  std::vector<Graph::Arc> arcs;
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j) arcs.push_back(graph.addArc(from[i], to[j]));

  Graph::NodeMap<std::int64_t> supply(graph);
  for (int i = 0; i < problem.n; ++i) supply[from[i]] = a[i];
  for (int j = 0; j < problem.m; ++j) supply[to[j]] = -b[j];
  Graph::ArcMap<std::int64_t> cost(graph);
  for (std::size_t at = 0; at < arcs.size(); ++at)
    cost[arcs[at]] = std::llround((problem.cost[at] - *low) / unit);

  using Simplex = lemon::NetworkSimplex<Graph, std::int64_t>;
  Simplex simplex(graph);
  if (simplex.supplyMap(supply).costMap(cost).run() != Simplex::OPTIMAL)
    throw std::runtime_error("the network simplex found no optimum");
  // The flow is what the simplex decided; its cost is summed from the costs as given.
  double sum = 0;
  for (std::size_t at = 0; at < arcs.size(); ++at)
    sum += static_cast<double>(simplex.flow(arcs[at])) * problem.cost[at];
  return sum / static_cast<double>(std::int64_t(1) << 50) * problem.mass();
}

}  // namespace otfleet::kernels::test
