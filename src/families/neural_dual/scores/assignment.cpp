#include "src/families/neural_dual/scores/assignment.hpp"

#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace otfleet {

std::vector<std::int64_t> best_assignment(const std::vector<double>& cost, std::int64_t count) {
  using Graph = lemon::SmartDigraph;  // which numbers its arcs by int
  if (cost.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw std::invalid_argument("too many costs for the network simplex");
  double low = cost.front(), high = cost.front();
  for (const double value : cost) {
    if (!std::isfinite(value)) throw std::invalid_argument("a cost is not finite");
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double unit = std::max(high - low, 1e-300) / static_cast<double>(std::int64_t(1) << 40);

  const int nodes = static_cast<int>(count);
  Graph graph;
  graph.reserveNode(2 * nodes);
  graph.reserveArc(static_cast<int>(cost.size()));
  for (int k = 0; k < 2 * nodes; ++k) graph.addNode();
  for (int i = 0; i < nodes; ++i)
    for (int j = 0; j < nodes; ++j)
      graph.addArc(Graph::nodeFromId(i), Graph::nodeFromId(nodes + j));
  Graph::NodeMap<int> supply(graph);
  for (int k = 0; k < 2 * nodes; ++k) supply[Graph::nodeFromId(k)] = k < nodes ? 1 : -1;
  // Arcs are numbered as the costs are.
  Graph::ArcMap<std::int64_t> rounded(graph);
  for (std::size_t at = 0; at < cost.size(); ++at)
    rounded[Graph::arcFromId(static_cast<int>(at))] = std::llround((cost[at] - low) / unit);

  using Simplex = lemon::NetworkSimplex<Graph, int, std::int64_t>;
  Simplex simplex(graph);
  if (simplex.supplyMap(supply).costMap(rounded).run() != Simplex::OPTIMAL)
    throw std::runtime_error("the network simplex found no optimum");
  std::vector<std::int64_t> partner(static_cast<std::size_t>(count));
  for (std::size_t at = 0; at < cost.size(); ++at)
    if (simplex.flow(Graph::arcFromId(static_cast<int>(at))) > 0)
      partner[at / static_cast<std::size_t>(count)] = static_cast<std::int64_t>(at) % count;
  return partner;
}

}  // namespace otfleet
