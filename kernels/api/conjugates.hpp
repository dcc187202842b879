#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/api/oracle.hpp"
#include "kernels/minimize/settings.hpp"

// Convex conjugates of a potential f: minimizers of f(x) − <x, y> for many y at once. The
// mathematics, settings and errors stand in minimize/conjugate.hpp.

namespace otfleet::kernels {

/// As Conjugates; all [B].
template <class Scalar>
struct ConjugateResult {
  DeviceArray<Scalar> value;                    ///< f(x) − <x, y>: an upper bound on −f*(y)
  DeviceArray<Scalar> residual;                 ///< |∇f(x) − y|, Euclidean
  DeviceArray<Scalar> start_residual;           ///< the same at the start
  DeviceArray<int> steps, evaluations, status;  ///< status: ConjugateStatus
  DeviceArray<int> end, bow;                    ///< of a least-action cost

  ConjugateResult() = default;
  explicit ConjugateResult(std::size_t points);
};

/// What conjugates of a least-action cost need to know beside L-BFGS's settings.
struct LeastActionCost;

/// Lbfgs, AdamDescent or LeastActionConjugates, by what it is made with. Takes memory for up to
/// `points` points once.
template <class Scalar>
class ConjugateMinimizer {
 public:
  ConjugateMinimizer(const LbfgsSettings& settings, int points, int dimension);
  ConjugateMinimizer(const AdamDescentSettings& settings, int points, int dimension);
  ConjugateMinimizer(const LeastActionCost& cost, const LbfgsSettings& settings, int points,
                     int dimension);
  ConjugateMinimizer(ConjugateMinimizer&&) noexcept;
  ~ConjugateMinimizer();

  /// y [B, D], B <= points; x [B, D]: starts, then minimizers. paths: LeastActionConjugates', or
  /// nothing. Throws std::logic_error: paths without a cost.
  void minimize(Oracle<Scalar>& oracle, const DeviceArray<const Scalar, 2>& y,
                const DeviceArray<Scalar, 2>& x, const ConjugateResult<Scalar>& result,
                const DeviceArray<Scalar, 2>& paths = {});

  /// From now on minimizations begin at the best of their start and these ends [K, D]. Keeps the
  /// elements. Throws std::logic_error unless it is made with a cost.
  void try_ends(const DeviceArray<const Scalar, 2>& ends);
  /// LeastActionConjugates'. Throws std::logic_error as try_ends().
  void vary_bows(std::int64_t turn, std::int64_t first);
  /// From now on with other parameters of the cost. Throws std::logic_error unless it is made with
  /// one.
  void change(const LeastActionCost& cost);

 private:
  struct State;
  std::unique_ptr<State> state_;
  DeviceArray<const Scalar, 2> ends_;
};

/// MixedLbfgs: in float first, in double in the end.
class MixedConjugateMinimizer {
 public:
  MixedConjugateMinimizer(const LbfgsSettings& settings, int points, int dimension);
  MixedConjugateMinimizer(MixedConjugateMinimizer&&) noexcept;
  ~MixedConjugateMinimizer();

  /// `rough` and `oracle` are one function.
  void minimize(Oracle<float>& rough, Oracle<double>& oracle, const DeviceArray<const double, 2>& y,
                const DeviceArray<double, 2>& x, const ConjugateResult<double>& result);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otfleet::kernels
