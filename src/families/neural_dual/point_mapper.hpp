#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kernels/api/paths.hpp"
#include "src/families/neural_dual/transport_potential.hpp"
#include "src/job.hpp"

namespace otfleet {

/// Points that went through a map, and how sure that is: x to y = ∇f(x), or y to ∇f*(y), the
/// minimizer that the conjugate solver finds.
struct MappedPoints {
  std::vector<double> image;  ///< [B, D]
  std::vector<double> value;  ///< f(x) or f*(y), the dual's terms
  /// |∇f(x̂) − y|, x̂ the conjugate's minimizer for the y at hand (of x: for the image).
  std::vector<double> residual;
  /// Distance between a point and where the other map takes its image: of x |∇f*(∇f(x)) − x|,
  /// which is large where f is not convex; of y the residual.
  std::vector<double> round_trip;
  std::vector<std::int32_t> iterations, status;  ///< kernels::ConjugateStatus
  /// Of a least-action cost alone, as kernels::LeastActionConjugates: which start led to the image.
  std::vector<std::int32_t> end, bow;
  std::vector<double> path;  ///< [B, numbers] coefficients of the paths, where they are predicted

  void append(const MappedPoints& more);
};

/// Where the conjugate solver begins: at the model's prediction x̃(y), or at y itself, both in the
/// model's standard coordinates.
enum class ConjugateStart { prediction, point };

/// Takes points through the maps of a trained potential, block by block, in the job's precision.
/// Local; one thread at a time.
class PointMapper {
 public:
  /// Keeps a reference to `model`, with the weights that it has now. `cost`: of a least action;
  /// then points go to minimizers alone, and values are those of the c-transform, c(y, x) − g(x) at
  /// the minimizer x with g = ½ |x|² − f, times −1.
  PointMapper(TransportPotential& model, const ConjugateOptions& settings,
              const std::optional<kernels::LeastActionCost>& cost = {});
  PointMapper(PointMapper&&) noexcept;
  ~PointMapper();

  /// From source to target, or back: by the gradient or by the conjugate's minimizers, as the
  /// potential's side has it. points [B, D], row-major. `certify`: as for along_gradient().
  MappedPoints map(std::span<const double> points, MapDirection direction, bool certify = true);

  /// x to ∇f(x). `certify`: false leaves residual, round_trip and iterations empty.
  MappedPoints along_gradient(std::span<const double> x, bool certify = true);
  /// y to ∇f*(y).
  MappedPoints to_minimizers(std::span<const double> y,
                             ConjugateStart start = ConjugateStart::prediction);
  /// Where the prediction alone takes y.
  MappedPoints predicted(std::span<const double> y);

 private:
  template <class Scalar>
  class Blocks;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otfleet
