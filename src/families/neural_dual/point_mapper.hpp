#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "src/families/neural_dual/transport_potential.hpp"
#include "src/job.hpp"

namespace otfleet {

/// Points that went through a map, and how sure that is. Forward, x goes to y = ∇f(x); backward, y
/// goes to ∇f*(y), the minimizer that the conjugate solver finds.
struct MappedPoints {
  std::vector<double> image;  ///< [B, D]
  std::vector<double> value;  ///< f(x) forward, f*(y) backward, the dual's terms
  /// |∇f(x̂) − y|, x̂ the conjugate's minimizer for the y at hand (forward: for the image).
  std::vector<double> residual;
  /// Distance between a point and where the other map takes its image: forward |∇f*(∇f(x)) − x|,
  /// which is large where f is not convex; backward the residual.
  std::vector<double> round_trip;
  std::vector<std::int32_t> iterations, status;  ///< kernels::ConjugateStatus

  void append(const MappedPoints& more);
};

/// Where the conjugate solver begins: at the model's prediction x̃(y), or at y itself, both in the
/// model's standard coordinates.
enum class ConjugateStart { prediction, point };

/// Takes points through the maps of a trained potential, block by block, in the job's precision.
/// Local; one thread at a time.
class PointMapper {
 public:
  /// Keeps a reference to `model`, with the weights that it has now.
  PointMapper(TransportPotential& model, const ConjugateOptions& settings);
  PointMapper(PointMapper&&) noexcept;
  ~PointMapper();

  /// points [B, D], row-major. `certify`: false leaves residual, round_trip and iterations empty.
  MappedPoints forward(std::span<const double> points, bool certify = true);
  MappedPoints backward(std::span<const double> points,
                        ConjugateStart start = ConjugateStart::prediction);
  /// Where the prediction alone takes them.
  MappedPoints predicted(std::span<const double> points);

 private:
  template <class Scalar>
  class Blocks;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otfleet
