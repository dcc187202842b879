#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "src/families/neural_dual/samplers/sample_sequence.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

struct GaussianMixture;
template <class Scalar>
class TransportMap;

/// One pair of the Wasserstein-2 benchmark of Korotin et al. (NeurIPS 2021), as an HDF5 file:
/// a mixture P of Gaussians on R^D and a map T = scale (∇v₁ + ∇v₂ + shift), v₁ and v₂ input-convex
/// networks, which therefore is the optimal one from P to Q = T#P. The data's README.md says what
/// a file holds. Needs Kokkos to run.
class W2Benchmark {
 public:
  /// Reads and checks the file. Throws UserError with the file's and the dataset's name: not HDF5,
  /// not such a benchmark, something missing, of another shape, or not finite; networks that are
  /// not convex. Memory: the weights and the test set, in doubles. Local.
  explicit W2Benchmark(const std::filesystem::path& file);

  std::int64_t dimension() const { return dimension_; }

  /// y = T(x) for any number of rows [count, D] in host memory, computed on the device in double,
  /// in blocks. Work: four multiply-adds for each weight and point. One thread at a time.
  void map(std::int64_t count, const double* x, double* y) const;

  /// P, and Q as T, computed in float, of samples of P from a stream of their own. They stay valid
  /// without this object.
  SamplerPair samplers(std::uint64_t seed, std::uint64_t pair_stream,
                       SampleSequence sequence = SampleSequence::random) const;

  /// The test set [N, D]: samples of P, and T of each.
  const std::vector<double>& test_x() const { return test_x_; }
  const std::vector<double>& test_y() const { return test_y_; }
  std::int64_t test_count() const { return static_cast<std::int64_t>(test_x_.size()) / dimension_; }

  /// Variances of the test set, summed over coordinates: by them L2-UVP is normalized, of maps
  /// onto Q and onto P.
  double target_variance() const { return target_variance_; }
  double input_variance() const { return input_variance_; }

 private:
  std::int64_t dimension_ = 0;
  std::shared_ptr<const GaussianMixture> input_;
  std::shared_ptr<const TransportMap<double>> map_;
  std::shared_ptr<const TransportMap<float>> sampling_map_;
  std::vector<double> test_x_, test_y_;
  double target_variance_ = 0, input_variance_ = 0;
};

}  // namespace otfleet
