#pragma once
#include <cstdint>
#include <vector>

namespace otfleet {

/// The permutation j of {0, …, N − 1} with the least sum of cost[i, j(i)], cost [N, N] row-major:
/// exact for costs rounded to 2^-40 of their range, by the network simplex of LEMON (Dezső,
/// Jüttner, Kovács 2011). Throws std::invalid_argument for a cost that is not finite, and
/// from 2^31 costs on. Local.
std::vector<std::int64_t> best_assignment(const std::vector<double>& cost, std::int64_t count);

}  // namespace otfleet
