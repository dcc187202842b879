#include "src/populations/feasibility.hpp"

#include <lemon/preflow.h>
#include <lemon/smart_graph.h>
#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <numeric>
#include <span>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

/// Weights as whole numbers with the sum 2^50: flows are exact, and rounding is worth 1e-15.
std::vector<std::int64_t> whole_weights(std::span<const double> weights) {
  const double mass = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::int64_t> result;
  for (const double weight : weights)
    result.push_back(std::llround(weight / mass * static_cast<double>(std::int64_t{1} << 50)));
  return result;
}

/// The share of the mass that finds no way.
double stranded_share(const kernels::AxisCost& cost, std::span<const double> a,
                      std::span<const double> b) {
  using Graph = lemon::SmartDigraph;
  const auto supply = whole_weights(a), demand = whole_weights(b);
  Graph graph;
  const auto begin = graph.addNode(), end = graph.addNode();
  std::vector<Graph::Node> targets(b.size());
  std::vector<std::pair<Graph::Arc, std::int64_t>> arcs;
  for (std::size_t j = 0; j < b.size(); ++j)
    if (demand[j] > 0)
      arcs.emplace_back(graph.addArc(targets[j] = graph.addNode(), end), demand[j]);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (supply[i] == 0) continue;
    const auto source = graph.addNode();
    arcs.emplace_back(graph.addArc(begin, source), supply[i]);
    for (std::size_t j = 0; j < b.size(); ++j)
      if (demand[j] > 0 && std::isfinite(cost.values[i * b.size() + j]))
        arcs.emplace_back(graph.addArc(source, targets[j]), supply[i]);
  }
  Graph::ArcMap<std::int64_t> capacity(graph);
  for (const auto& [arc, most] : arcs) capacity[arc] = most;
  lemon::Preflow<Graph, Graph::ArcMap<std::int64_t>> flow(graph, capacity, begin, end);
  flow.runMinCut();
  return 1 - static_cast<double>(flow.flowValue()) / static_cast<double>(std::int64_t{1} << 50);
}

}  // namespace

void check_feasible(const std::string& name, const Population& population,
                    const kernels::SeparableCost* cost, std::int64_t first, std::int64_t step) {
  if (cost == nullptr || !cost->forbids()) return;
  const auto& targets =
      population.shared_measures ? population.source_weights : population.target_weights;
  const auto row = [](const std::vector<double>& weights, std::int64_t measure, std::int64_t size) {
    return std::span(weights).subspan(measure * size, size);
  };
  constexpr double rounding = 1e-9;
  for (std::int64_t k = first; k < population.problems(); k += step) {
    const double share =
        stranded_share(cost->axes()[0],
                       row(population.source_weights, population.source[k], population.geometry.n),
                       row(targets, population.target[k], population.geometry.m));
    if (share > rounding)
      throw UserError(fmt::format(
          "{}: problem {} (measures {} and {}) has no plan: {:.3g} of its mass can only go where "
          "/geometry/cost forbids it (inf, or 1e15 epsilon above the rest); allow more entries, or "
          "let marginals be inexact (problem.tau_a, problem.transported_share)",
          name, k, population.source[k], population.target[k], share));
  }
}

}  // namespace otfleet
