#pragma once
#include <functional>
#include <span>
#include <vector>

#include "src/families/conditional_map/conditional_model.hpp"

namespace otfleet {

/// A map that is known as two functions, without potentials: a point's round trip is how far the
/// other function ends from it, and stands for its residual, too.
class TwoWayMap final : public ProblemMap {
 public:
  /// Of points [B, D].
  using Function = std::function<std::vector<double>(std::span<const double>)>;

  /// `status`: kernels::ConjugateStatus of all points, asked for when they are mapped; none: 0.
  TwoWayMap(std::int64_t dimension, Function forward, Function backward,
            std::function<std::int32_t()> status = {});

  MappedPoints forward(std::span<const double> points, bool certify) override;
  MappedPoints backward(std::span<const double> points) override;

 private:
  MappedPoints map(std::span<const double> points, const Function& there, const Function* back);

  std::int64_t dimension_;
  Function forward_, backward_;
  std::function<std::int32_t()> status_;
};

}  // namespace otfleet
