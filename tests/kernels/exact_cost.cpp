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

/// The cheapest flow [n, m] from supplies a to demands b, all whole numbers.
std::vector<std::int64_t> optimal_flow(const std::vector<std::int64_t>& a,
                                       const std::vector<std::int64_t>& b,
                                       const std::vector<std::int64_t>& costs) {
  using Graph = lemon::SmartDigraph;
  Graph graph;
  std::vector<Graph::Node> from, to;
  for (std::size_t i = 0; i < a.size(); ++i) from.push_back(graph.addNode());
  for (std::size_t j = 0; j < b.size(); ++j) to.push_back(graph.addNode());
  std::vector<Graph::Arc> arcs;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b.size(); ++j) arcs.push_back(graph.addArc(from[i], to[j]));

  Graph::NodeMap<std::int64_t> supply(graph);
  for (std::size_t i = 0; i < a.size(); ++i) supply[from[i]] = a[i];
  for (std::size_t j = 0; j < b.size(); ++j) supply[to[j]] = -b[j];
  Graph::ArcMap<std::int64_t> cost(graph);
  for (std::size_t at = 0; at < arcs.size(); ++at) cost[arcs[at]] = costs[at];

  using Simplex = lemon::NetworkSimplex<Graph, std::int64_t>;
  Simplex simplex(graph);
  if (simplex.supplyMap(supply).costMap(cost).run() != Simplex::OPTIMAL)
    throw std::runtime_error("the network simplex found no optimum");
  std::vector<std::int64_t> flow;
  for (const auto& arc : arcs) flow.push_back(simplex.flow(arc));
  return flow;
}

}  // namespace

double exact_cost(const DenseProblem& problem) {
  const auto [low, high] = std::minmax_element(problem.cost.begin(), problem.cost.end());
  const double unit = std::max(*high - *low, 1e-300) / static_cast<double>(std::int64_t(1) << 40);
  std::vector<std::int64_t> costs;
  for (double cost : problem.cost) costs.push_back(std::llround((cost - *low) / unit));
  const auto flow = optimal_flow(integer_weights(problem.a, problem.mass()),
                                 integer_weights(problem.b, problem.mass()), costs);
  // The flow is what the simplex decided; its cost is summed from the costs as given.
  double sum = 0;
  for (std::size_t at = 0; at < flow.size(); ++at)
    sum += static_cast<double>(flow[at]) * problem.cost[at];
  return sum / static_cast<double>(std::int64_t(1) << 50) * problem.mass();
}

long double exact_integer_cost(const std::vector<double>& a, const std::vector<double>& b,
                               const std::vector<double>& cost) {
  const auto integers = [](const std::vector<double>& values) {
    std::vector<std::int64_t> result;
    for (double value : values) {
      result.push_back(static_cast<std::int64_t>(value));
      if (static_cast<double>(result.back()) != value)
        throw std::invalid_argument("not a whole number");
    }
    return result;
  };
  const auto costs = integers(cost);
  const auto flow = optimal_flow(integers(a), integers(b), costs);
  long double sum = 0;
  for (std::size_t at = 0; at < flow.size(); ++at)
    sum += static_cast<long double>(flow[at]) * static_cast<long double>(costs[at]);
  return sum;
}

}  // namespace otfleet::kernels::test
