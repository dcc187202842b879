#include "kernels/operators/in_passes/pass_operator.hpp"

#include <limits>

#include "kernels/operators/in_passes/run_pass.hpp"
#include "kernels/operators/shifts.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void PassOperator<ExecutionSpace>::run(PassResult wanted, Side side,
                                       const Vector<double, ExecutionSpace>& offset,
                                       const Vector<double, ExecutionSpace>& shift,
                                       const Vector<double, ExecutionSpace>& result,
                                       const Vector<double, ExecutionSpace>& row_costs) const {
  run_pass(this->space_, wanted, form_of_cost(this->batch_), this->of(side).points,
           this->of(other(side)).points, offset, shift, result, this->scale_, row_costs);
}

template <class ExecutionSpace>
void PassOperator<ExecutionSpace>::fit(Side side) {
  auto &to = this->of(side), &from = this->of(other(side));
  const auto sum = this->take(side, 0);
  run(PassResult::largest, side, from.potential, to.shift, to.shift);
  run(PassResult::exponential, side, from.potential, to.shift, sum);
  this->take_half_step(side, sum);
}

template <class ExecutionSpace>
void PassOperator<ExecutionSpace>::log_sums(Side side, const Field& to,
                                            const typename Points::ProblemValue&) {
  auto& own = this->of(side);
  const auto& from = this->of(other(side)).potential;
  if (own.log_sum.data() == nullptr) {
    own.log_sum = this->take(side, 0);
    own.sum = this->take(side, 0);
  }
  if (!(own.log_sum_moved <= most_shift_drift))
    run(PassResult::largest, side, from, own.log_sum, own.log_sum);
  run(PassResult::exponential, side, from, own.log_sum, own.sum);
  this->take_log_sums(side, to);
}

// No exponent is positive: a plan with exact columns has P_ij <= b_j. The shift is what cancels the
// side's own potential.
template <class ExecutionSpace>
void PassOperator<ExecutionSpace>::rows(Side side, const Field& sums, const Field& costs) {
  const auto& from = this->of(other(side)).potential;
  run(costs ? PassResult::costs : PassResult::exponential, side, from, this->of(side).shift,
      sums.values, costs.values);
}

template <class ExecutionSpace>
void PassOperator<ExecutionSpace>::means(Side side, const Field& values, const Field& result) {
  auto &to = this->of(side), &from = this->of(other(side));
  if (to.whole.data() == nullptr) {
    to.whole = this->take(side, 0);
    run(PassResult::largest, side, from.potential, to.shift, to.shift);
    run(PassResult::exponential, side, from.potential, to.shift, to.whole);
    from.offset = this->take(other(side), -std::numeric_limits<double>::infinity());
  }
  this->weigh(other(side), values);
  run(PassResult::exponential, side, from.offset, to.shift, result.values);
  this->divide(side, result, to.whole);
}

template <class ExecutionSpace>
void PassOperator<ExecutionSpace>::apply_cost(const Field& x, const Field& result) {
  run(PassResult::product, Side::source, x.values, x.values, result.values);
}

template <class ExecutionSpace>
void PassOperator<ExecutionSpace>::hard_min(Side side, const Field& x, const Field& result) {
  run(PassResult::smallest, side, x.values, x.values, result.values);
}

#define OTFLEET_INSTANTIATE(Space) template class PassOperator<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
