#include "kernels/api/conjugates.hpp"

#include <stdexcept>
#include <variant>

#include "kernels/api/detail/conjugate_views.hpp"
#include "kernels/api/paths.hpp"
#include "kernels/paths/least_action_conjugate.hpp"

namespace otfleet::kernels {
namespace {

/// An Oracle as solvers know functions.
template <class Scalar>
class OracleOnViews final : public PotentialOracle<DeviceSpace, Scalar> {
 public:
  explicit OracleOnViews(Oracle<Scalar>& oracle) : oracle_(oracle) {}

  int dimension() const override { return oracle_.dimension(); }
  void evaluate(const DeviceSpace&, const Matrix<const Scalar, DeviceSpace>& points,
                const Vector<Scalar, DeviceSpace>& value,
                const Matrix<Scalar, DeviceSpace>& gradient) override {
    oracle_.evaluate(borrowed_array_of(points), borrowed_array_of(value),
                     borrowed_array_of(gradient));
  }

 private:
  Oracle<Scalar>& oracle_;
};

}  // namespace

template <class Scalar>
ConjugateResult<Scalar>::ConjugateResult(std::size_t points)
    : value("otfleet::conjugate::value", points),
      residual("otfleet::conjugate::residual", points),
      start_residual("otfleet::conjugate::start_residual", points),
      steps("otfleet::conjugate::steps", points),
      evaluations("otfleet::conjugate::evaluations", points),
      status("otfleet::conjugate::status", points),
      end("otfleet::conjugate::end", points),
      bow("otfleet::conjugate::bow", points) {}

template struct ConjugateResult<float>;
template struct ConjugateResult<double>;

template <class Scalar>
struct ConjugateMinimizer<Scalar>::State {
  using Method = std::variant<Lbfgs<DeviceSpace, Scalar>, AdamDescent<DeviceSpace, Scalar>,
                              LeastActionConjugates<DeviceSpace, Scalar>>;
  Method method;

  template <class Of, class... Arguments>
  explicit State(std::in_place_type_t<Of> type, const Arguments&... arguments)
      : method(type, arguments...) {}
};

namespace {

template <class Scalar, class... Others>
LeastActionConjugates<DeviceSpace, Scalar>& least_actions(
    std::variant<Lbfgs<DeviceSpace, Scalar>, Others...>& method) {
  auto* const conjugates = std::get_if<LeastActionConjugates<DeviceSpace, Scalar>>(&method);
  if (conjugates == nullptr) throw std::logic_error("conjugates of no least-action cost");
  return *conjugates;
}

}  // namespace

template <class Scalar>
ConjugateMinimizer<Scalar>::ConjugateMinimizer(const LbfgsSettings& settings, int points,
                                               int dimension)
    : state_(
          new State(std::in_place_type<Lbfgs<DeviceSpace, Scalar>>, settings, points, dimension)) {}
template <class Scalar>
ConjugateMinimizer<Scalar>::ConjugateMinimizer(const AdamDescentSettings& settings, int points,
                                               int dimension)
    : state_(new State(std::in_place_type<AdamDescent<DeviceSpace, Scalar>>, settings, points,
                       dimension)) {}
template <class Scalar>
ConjugateMinimizer<Scalar>::ConjugateMinimizer(const LeastActionCost& cost,
                                               const LbfgsSettings& settings, int points,
                                               int dimension)
    : state_(new State(std::in_place_type<LeastActionConjugates<DeviceSpace, Scalar>>,
                       cost.lagrangian, cost.path, settings, points, dimension)) {}
template <class Scalar>
ConjugateMinimizer<Scalar>::ConjugateMinimizer(ConjugateMinimizer&&) noexcept = default;
template <class Scalar>
ConjugateMinimizer<Scalar>::~ConjugateMinimizer() = default;

template <class Scalar>
void ConjugateMinimizer<Scalar>::minimize(Oracle<Scalar>& oracle,
                                          const DeviceArray<const Scalar, 2>& y,
                                          const DeviceArray<Scalar, 2>& x,
                                          const ConjugateResult<Scalar>& result,
                                          const DeviceArray<Scalar, 2>& paths) {
  OracleOnViews<Scalar> on_views(oracle);
  PotentialOracle<DeviceSpace, Scalar>& function = on_views;
  if (!paths.empty()) {
    least_actions(state_->method)
        .minimize(DeviceSpace(), function, view_of(y), view_of(x), view_of(result), view_of(paths));
    return;
  }
  std::visit(
      [&](auto& method) {
        method.minimize(DeviceSpace(), function, view_of(y), view_of(x), view_of(result));
      },
      state_->method);
}

template <class Scalar>
void ConjugateMinimizer<Scalar>::try_ends(const DeviceArray<const Scalar, 2>& ends) {
  ends_ = ends;
  least_actions(state_->method).try_ends(view_of(ends_));
}

template <class Scalar>
void ConjugateMinimizer<Scalar>::vary_bows(std::int64_t turn, std::int64_t first) {
  least_actions(state_->method).vary_bows(turn, first);
}

template <class Scalar>
void ConjugateMinimizer<Scalar>::change(const LeastActionCost& cost) {
  least_actions(state_->method).change(cost.lagrangian);
}

template class ConjugateMinimizer<float>;
template class ConjugateMinimizer<double>;

struct MixedConjugateMinimizer::State {
  MixedLbfgs<DeviceSpace> method;
};

MixedConjugateMinimizer::MixedConjugateMinimizer(const LbfgsSettings& settings, int points,
                                                 int dimension)
    : state_(new State{MixedLbfgs<DeviceSpace>(settings, points, dimension)}) {}
MixedConjugateMinimizer::MixedConjugateMinimizer(MixedConjugateMinimizer&&) noexcept = default;
MixedConjugateMinimizer::~MixedConjugateMinimizer() = default;

void MixedConjugateMinimizer::minimize(Oracle<float>& rough, Oracle<double>& oracle,
                                       const DeviceArray<const double, 2>& y,
                                       const DeviceArray<double, 2>& x,
                                       const ConjugateResult<double>& result) {
  OracleOnViews<float> rough_on_views(rough);
  OracleOnViews<double> on_views(oracle);
  state_->method.minimize(DeviceSpace(), rough_on_views, on_views, view_of(y), view_of(x),
                          view_of(result));
}

}  // namespace otfleet::kernels
