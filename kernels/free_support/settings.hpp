#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/solvers/iteration_observer.hpp"

namespace otfleet::kernels {

struct FreeSupportSettings {
  double epsilon = 1e-2;          ///< absolute, in units of the cost
  double threshold = 1e-3;        ///< on the marginal errors of all plans in the end
  int inner_iterations = 1;       ///< of Sinkhorn's iteration, between two looks at the error
  int max_iterations = 2000;      ///< of Sinkhorn's iteration for one move
  bool momentum = true;           ///< of Sinkhorn's iteration, and of the moves
  double point_threshold = 1e-3;  ///< on the residual
  int max_moves = 200;
  IterationObserver* observer = nullptr;  ///< may end the batch before it is done
};

/// Where problems with free support stand; all [B], on the host.
struct FreeSupportProgress {
  /// The marginal error that the next plans may have; 0: before the first ones.
  std::vector<double> accuracy;
  /// How far one more move goes: the root of the mean squared distance, over that of the measures'
  /// points from their mean. All means are weighted.
  std::vector<double> residual;
  std::vector<std::int64_t> iterations;  ///< of Sinkhorn's iteration, over all measures and moves
  std::vector<int> moves, status;        ///< of the last call; status: Status
  std::vector<int> ascents;              ///< moves since momentum began; −1: none

  FreeSupportProgress() = default;
  explicit FreeSupportProgress(std::size_t batch)
      : accuracy(batch, 0.0),
        residual(batch, std::numeric_limits<double>::infinity()),
        iterations(batch, 0),
        moves(batch, 0),
        status(batch, 0),
        ascents(batch, -1) {}
};

/// What is known of barycenters with free support; all [B], on the host, in units of the cost times
/// mass but for marginal_error.
struct FreeSupportFigures {
  /// Of the weighted mean of the transports' values: see Certificates.
  std::vector<double> dual_value, transport_cost, upper_bound, lower_bound;
  std::vector<double> marginal_error;  ///< the largest of a problem's plans, a share of the mass
};

}  // namespace otfleet::kernels
