#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/operators/form_choice.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_by_points.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_in_passes.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_kernel.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

namespace {

/// A type of this file alone: GCC then inlines what the kernel calls once.
struct Exact : ExactMarginals {};

template <class Domain, class ExecutionSpace>
void run(const ExecutionSpace& space, const SeparableCost& cost,
         const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
         bool from_zeros, const Matrix<double, ExecutionSpace>& f,
         const Vector<int, ExecutionSpace>& iterations, const Vector<int, ExecutionSpace>& status,
         const Matrix<double, ExecutionSpace>& trace, const Vector<int, ExecutionSpace>& replaced,
         const LearnedStart<ExecutionSpace>& learned) {
  using Gibbs = GibbsKernel<ExecutionSpace, typename Domain::Scalar>;
  const auto gibbs = gibbs_kernel<ExecutionSpace, typename Domain::Scalar>(cost, settings.epsilon);
  SinkhornKernel<Domain, ExecutionSpace, Exact> kernel{
      {},
      gibbs->gibbs(Gibbs::Direction::to_target),
      gibbs->gibbs(Gibbs::Direction::to_source),
      problems,
      settings,
      settings.stop_rule(rounding_error<typename Domain::Scalar>(0)),
      from_zeros,
      f,
      iterations,
      status,
      trace,
      replaced,
      find_supports(space, cost, problems),
      {},
      0,
      Vector<int, ExecutionSpace>("otfleet::sinkhorn::next", 1),
      learned};
  begin_observed(space, settings.observer, iterations, status);
  launch_tiles(space, "otfleet::sinkhorn::iterate", kernel, problems.size(), cost.max_points());
}

}  // namespace

template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const SeparableCost& cost,
              const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
              bool from_zeros, const Matrix<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace,
              const Vector<int, ExecutionSpace>& replaced,
              const LearnedStart<ExecutionSpace>& learned) {
  check_batch(space, cost, problems, settings.epsilon);
  const auto batch = static_cast<std::size_t>(problems.size());
  if (batch == 0) return;
  check_settings(settings);
  check_rows("f", f, problems.size(), cost.n());
  check_outputs(batch, iterations, status, error_trace, replaced);
  if (learned.any()) check_start(learned, problems.size(), cost.n());

  // Exponents are whole numbers in Scalar: what float cannot count is left to double.
  constexpr double most_in_float = 1e6;
  if (std::is_same_v<Scalar, float> && cost.range() > most_in_float * settings.epsilon)
    return sinkhorn<double>(space, cost, problems, settings, from_zeros, f, iterations, status,
                            error_trace, replaced, learned);
  const bool safe = scaling_is_safe<Scalar>(
      cost, settings.epsilon, problems.smallest_weight(),
      settings.acceleration == Acceleration::momentum ? momentum_limit : 0.0);
  if (settings.path == Path::scaling && !safe)
    throw std::invalid_argument("the scaling path is not safe for this cost and epsilon");
  if constexpr (Backend<ExecutionSpace>::takes_points_in_lanes) {
    if (safe && settings.path != Path::extended && fills_lanes<ExecutionSpace, Scalar>(cost))
      return sinkhorn_by_points<Scalar>(space, cost, problems, settings, from_zeros, f, iterations,
                                        status, error_trace, replaced, learned);
  }
  if (settings.path == Path::automatic &&
      prefers_passes<ExecutionSpace>(cost, problems.size(), safe)) {
    if (learned.any()) learned_potential(space, learned, problems, settings.epsilon, f);
    return sinkhorn_in_passes<Scalar>(space, cost, problems, settings, from_zeros, f, iterations,
                                      status, error_trace, replaced);
  }
  using L = Lanes<ExecutionSpace, Scalar>;
  if (safe && settings.path != Path::extended)
    run<ScalingDomain<L>>(space, cost, problems, settings, from_zeros, f, iterations, status,
                          error_trace, replaced, learned);
  else
    run<ExtendedDomain<L>>(space, cost, problems, settings, from_zeros, f, iterations, status,
                           error_trace, replaced, learned);
}

#define OTFLEET_INSTANTIATE(Space, Scalar)                                                      \
  template void sinkhorn<Scalar, Space>(                                                        \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, const SinkhornSettings&,  \
      bool, const Matrix<double, Space>&, const Vector<int, Space>&, const Vector<int, Space>&, \
      const Matrix<double, Space>&, const Vector<int, Space>&, const LearnedStart<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
