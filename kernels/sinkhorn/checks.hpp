#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "kernels/sinkhorn/problem_batch.hpp"
#include "kernels/sinkhorn/sinkhorn.hpp"

// What every solver checks before it begins, whatever its cost. All throw std::invalid_argument.

namespace otfleet::kernels {

/// Unless the measures have n and m points and the indices go in pairs; `cost_has` begins what the
/// message says of the cost.
template <class ExecutionSpace>
void check_measures(int n, int m, const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                    const std::string& cost_has) {
  if (!(epsilon > 0) || !std::isfinite(epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  if (problems.source_index.extent(0) != problems.target_index.extent(0))
    throw std::invalid_argument("a batch needs as many source as target indices");
  if (problems.size() == 0) return;
  if (problems.source.points() != n || problems.target.points() != m)
    throw std::invalid_argument("measures have " + std::to_string(problems.source.points()) +
                                " and " + std::to_string(problems.target.points()) + " points, " +
                                cost_has + " " + std::to_string(n) + " and " + std::to_string(m));
}

/// The largest ratio of the costs' range to epsilon that exponents can hold.
inline constexpr double largest_exponent = 1e15;

/// Unless exp(−range/epsilon) is a number that kernels can tell from its neighbors; `name` begins
/// the message.
inline void check_exponents(const std::string& name, double range, double epsilon) {
  if (range <= largest_exponent * epsilon) return;
  char text[160];
  std::snprintf(text, sizeof text,
                "epsilon = %.3g is too small for costs that differ by %.3g: their ratio may be at "
                "most %.0e",
                epsilon, range, largest_exponent);
  throw std::invalid_argument(name + text);
}

/// Unless `array` is [rows, columns].
template <class Array>
void check_rows(const std::string& name, const Array& array, std::int64_t rows,
                std::int64_t columns) {
  if (array.extent(0) != static_cast<std::size_t>(rows) ||
      array.extent(1) != static_cast<std::size_t>(columns))
    throw std::invalid_argument(name + " is " + std::to_string(array.extent(0)) + " x " +
                                std::to_string(array.extent(1)) + ", expected " +
                                std::to_string(rows) + " x " + std::to_string(columns));
}

inline void check_settings(const SinkhornSettings& settings) {
  if (!(settings.threshold > 0)) throw std::invalid_argument("threshold must be > 0");
  if (settings.inner_iterations < 1) throw std::invalid_argument("inner_iterations must be >= 1");
  if (settings.max_iterations < 0) throw std::invalid_argument("max_iterations must be >= 0");
}

/// Unless outputs have one row a problem; the last two may be empty.
template <class Integers, class Errors>
void check_outputs(std::size_t batch, const Integers& iterations, const Integers& status,
                   const Errors& error_trace, const Integers& replaced) {
  if (iterations.extent(0) != batch || status.extent(0) != batch ||
      (error_trace.extent(1) > 0 && error_trace.extent(0) != batch) ||
      (replaced.extent(0) > 0 && replaced.extent(0) != batch))
    throw std::invalid_argument("outputs do not have one row for each of the " +
                                std::to_string(batch) + " problems");
}

}  // namespace otfleet::kernels
