#include "src/families/neural_dual/samplers/w2_benchmark.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"
#include "kernels/api/network.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/families/neural_dual/samplers/gaussian_mixture_sampler.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
template <class Scalar>
using Potential = kernels::NetworkWeights<Scalar>;
using Values = std::vector<double>;
using Shape = std::vector<std::int64_t>;

constexpr int hidden_layers = 3;

/// Points that go through the networks together: always so many, from a multiple of this number
/// on, so that the products of matrices round in one way whatever is asked for.
constexpr std::int64_t block = 128;

[[noreturn]] void fail(const Hdf5File& file, const std::string& object, const std::string& what) {
  throw UserError(fmt::format("{}: {}: {}", file.path().string(), object, what));
}

/// The dataset, of that shape where an entry is not negative, with finite values.
Values read_checked(const Hdf5File& file, const std::string& dataset, const Shape& expected,
                    Shape& shape) {
  Values values = read_numbers(file, dataset, static_cast<int>(expected.size()), shape);
  for (std::size_t at = 0; at < expected.size(); ++at)
    if (expected[at] >= 0 ? shape[at] != expected[at] : shape[at] == 0) {
      Shape wanted = expected;
      for (std::size_t other = 0; other < wanted.size(); ++other)
        if (wanted[other] < 0) wanted[other] = std::max<std::int64_t>(shape[other], 1);
      fail(file, dataset,
           fmt::format("must have shape {}, not {}", shape_text(wanted), shape_text(shape)));
    }
  for (const double value : values)
    if (!std::isfinite(value)) fail(file, dataset, "holds a value that is not finite");
  return values;
}

Values read_checked(const Hdf5File& file, const std::string& dataset, const Shape& expected) {
  Shape shape;
  return read_checked(file, dataset, expected, shape);
}

double read_attribute(const Hdf5File& file, const std::string& object, const std::string& name) {
  const auto value = file.number_attribute(object, name);
  if (!value) fail(file, object, fmt::format("has no attribute '{}'", name));
  if (!std::isfinite(*value)) fail(file, object, fmt::format("attribute '{}' is not finite", name));
  return *value;
}

double read_positive(const Hdf5File& file, const std::string& object, const std::string& name) {
  const double value = read_attribute(file, object, name);
  if (!(value > 0)) fail(file, object, fmt::format("attribute '{}' must be positive", name));
  return value;
}

/// What tells such a file from other HDF5 files, so that these get one clear message.
void check_kind(const Hdf5File& file) {
  for (const char* object : {"/v1", "/v2", "/input_mixture", "/map_shift", "/test_x", "/test_y"})
    if (!file.has(object))
      throw UserError(fmt::format("{}: not a file of the Wasserstein-2 benchmark: it has no {}",
                                  file.path().string(), object));
}

DeviceArray<const double, 2> weights_on_device(const Values& values, std::int64_t rows,
                                               std::int64_t columns) {
  return upload<double>("otfleet::samplers::weights", values, static_cast<std::size_t>(rows),
                        static_cast<std::size_t>(columns));
}

/// Weights between layers; the potential is convex because none is negative.
Values read_convex(const Hdf5File& file, const std::string& dataset, const Shape& expected) {
  Values values = read_checked(file, dataset, expected);
  for (const double value : values)
    if (value < 0) fail(file, dataset, "holds a negative weight: the potential is not convex");
  return values;
}

/// [D, R, out] as the file has it, to [out R, D]; the file's square has no factor 1/2.
Values quadratic_rows(const Values& decomposed, const Shape& shape) {
  Values rows(decomposed.size());
  const auto d = shape[0], rank = shape[1], outputs = shape[2];
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t r = 0; r < rank; ++r)
      for (std::int64_t o = 0; o < outputs; ++o)
        rows[(o * rank + r) * d + i] =
            std::numbers::sqrt2 * decomposed[(i * rank + r) * outputs + o];
  return rows;
}

Potential<double> read_potential(const Hdf5File& file, const std::string& group,
                                 std::int64_t dimension) {
  const auto activation = file.string_attribute(group, "activation");
  if (activation != "celu" || read_attribute(file, group, "celu_alpha") != 1 ||
      read_attribute(file, group, "activation_on_layer_0") != 0)
    fail(file, group, "activations must be CELU with alpha = 1, with none on layer 0");
  Potential<double> potential;
  potential.half_square = read_positive(file, group, "strong_convexity");
  std::int64_t before = 0;
  for (int l = 0; l < hidden_layers; ++l) {
    const auto name = fmt::format("{}/quadratic_layers.{}.", group, l);
    Shape shape, quadratic_shape;
    const Values input = read_checked(file, name + "weight", {-1, dimension}, shape);
    const std::int64_t outputs = shape[0];
    const Values quadratic = read_checked(file, name + "quadratic_decomposed",
                                          {dimension, -1, outputs}, quadratic_shape);
    kernels::LayerWeights<double> layer;
    layer.activation = l == 0 ? kernels::Activation::identity : kernels::Activation::elu;
    layer.input = weights_on_device(input, outputs, dimension);
    layer.quadratic = weights_on_device(quadratic_rows(quadratic, quadratic_shape),
                                        outputs * quadratic_shape[1], dimension);
    layer.bias =
        upload<double>("otfleet::samplers::bias", read_checked(file, name + "bias", {outputs}));
    if (l > 0)
      layer.hidden = weights_on_device(
          read_convex(file, fmt::format("{}/convex_layers.{}.weight", group, l - 1),
                      {outputs, before}),
          outputs, before);
    potential.layers.push_back(layer);
    before = outputs;
  }
  kernels::LayerWeights<double> last;
  last.hidden =
      weights_on_device(read_convex(file, group + "/final_layer.weight", {1, before}), 1, before);
  potential.layers.push_back(last);
  return potential;
}

/// The same numbers in float.
template <int rank>
DeviceArray<const float, rank> in_float(const DeviceArray<const double, rank>& from) {
  const DeviceArray<float> to("otfleet::samplers::weights", from.size());
  to.copy_from(from.flat());
  return {to.data(), from.extents(), to.owner()};
}

Potential<float> in_float(const Potential<double>& from) {
  Potential<float> potential;
  potential.half_square = from.half_square;
  for (const auto& layer : from.layers)
    potential.layers.push_back({in_float(layer.hidden), in_float(layer.input),
                                in_float(layer.quadratic), in_float(layer.bias), layer.activation});
  return potential;
}

GaussianMixture read_mixture(const Hdf5File& file, std::int64_t dimension) {
  GaussianMixture mixture;
  mixture.dimension = dimension;
  Shape shape;
  mixture.means = read_checked(file, "/input_mixture/means", {-1, dimension}, shape);
  const std::int64_t components = shape[0];
  mixture.weights = read_checked(file, "/input_mixture/weights", {components});
  mixture.roots = read_checked(file, "/input_mixture/maps", {components, dimension, dimension});
  const double deviation = read_positive(file, "/input_mixture", "std");
  for (double& value : mixture.roots) value *= deviation;
  double sum = 0;
  for (const double weight : mixture.weights) {
    if (weight < 0) fail(file, "/input_mixture/weights", "holds a negative weight");
    sum += weight;
  }
  if (std::abs(sum - 1) > 1e-6) fail(file, "/input_mixture/weights", "must have the sum 1");
  return mixture;
}

}  // namespace

/// T on the device, with room for one block of points.
template <class Scalar>
class TransportMap {
 public:
  TransportMap(const Potential<Scalar>& first, const Potential<Scalar>& second, double scale,
               Values shift)
      : oracles_{Oracle(first, block), Oracle(second, block)},
        scale_(scale),
        shift_(std::move(shift)),
        points_("otfleet::samplers::points", block, shift_.size()),
        gradients_{Points("otfleet::samplers::first_gradient", block, shift_.size()),
                   Points("otfleet::samplers::second_gradient", block, shift_.size())},
        value_("otfleet::samplers::value", block),
        host_points_(points_.staging()),
        host_gradients_{gradients_[0].staging(), gradients_[1].staging()} {}

  std::int64_t dimension() const { return static_cast<std::int64_t>(shift_.size()); }

  /// y = rows begin … end − 1 of T(x), x [block, D].
  void evaluate(const double* x, std::int64_t begin, std::int64_t end, double* y) const {
    const std::int64_t d = dimension();
    std::transform(x, x + block * d, host_points_.data(),
                   [](double value) { return static_cast<Scalar>(value); });
    points_.upload(host_points_);
    for (int k = 0; k < 2; ++k) {
      oracles_[k].evaluate(points_, value_, gradients_[k]);
      gradients_[k].download(std::span(host_gradients_[k].begin(), host_gradients_[k].end()));
    }
    const Scalar* const first = host_gradients_[0].data();
    const Scalar* const second = host_gradients_[1].data();
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t i = 0; i < d; ++i)
        *y++ = scale_ * (static_cast<double>(first[row * d + i]) + second[row * d + i] + shift_[i]);
  }

 private:
  using Oracle = kernels::Network<Scalar>;
  using Points = DeviceArray<Scalar, 2>;

  mutable Oracle oracles_[2];  ///< their memory is all that changes
  double scale_;
  Values shift_;
  Points points_, gradients_[2];
  DeviceArray<Scalar> value_;
  HostValues<Scalar> host_points_, host_gradients_[2];
};

namespace {

/// T of samples of another sampler.
class MappedSampler final : public Sampler {
 public:
  MappedSampler(const GaussianMixture& input, std::shared_ptr<const TransportMap<float>> map,
                std::uint64_t seed, std::uint64_t stream, SampleSequence sequence)
      : input_(input, seed, stream, sequence),
        map_(std::move(map)),
        inputs_(static_cast<std::size_t>(block * input.dimension)) {}

  std::int64_t dimension() const override { return input_.dimension(); }

  void fill(std::int64_t first, std::int64_t count, double* points) const override {
    const std::int64_t end = first + count;
    for (std::int64_t start = first / block * block; start < end; start += block) {
      const std::int64_t from = std::max(first, start), to = std::min(end, start + block);
      input_.fill(start, block, inputs_.data());
      map_->evaluate(inputs_.data(), from - start, to - start,
                     points + (from - first) * dimension());
    }
  }

 private:
  GaussianMixtureSampler input_;
  std::shared_ptr<const TransportMap<float>> map_;  ///< half the time of double
  mutable Values inputs_;                           ///< [block, D]
};

}  // namespace

W2Benchmark::W2Benchmark(const std::filesystem::path& path) {
  const auto file = Hdf5File::open(path);
  check_kind(file);
  Shape shape;
  const Values shift = read_checked(file, "/map_shift", {-1}, shape);
  dimension_ = shape[0];
  input_ = std::make_shared<const GaussianMixture>(read_mixture(file, dimension_));
  const auto first = read_potential(file, "/v1", dimension_);
  const auto second = read_potential(file, "/v2", dimension_);
  const double scale = read_positive(file, "/", "map_scale");
  map_ = std::make_shared<const TransportMap<double>>(first, second, scale, shift);
  sampling_map_ =
      std::make_shared<const TransportMap<float>>(in_float(first), in_float(second), scale, shift);
  test_x_ = read_checked(file, "/test_x", {-1, dimension_}, shape);
  test_y_ = read_checked(file, "/test_y", shape);
  target_variance_ = read_positive(file, "/", "target_variance");
  input_variance_ = read_positive(file, "/", "input_variance");
}

void W2Benchmark::map(std::int64_t count, const double* x, double* y) const {
  Values inputs(static_cast<std::size_t>(block * dimension_));
  for (std::int64_t start = 0; start < count; start += block) {
    const std::int64_t here = std::min(block, count - start);
    std::copy_n(x + start * dimension_, here * dimension_, inputs.data());
    map_->evaluate(inputs.data(), 0, here, y + start * dimension_);
  }
}

SamplerPair W2Benchmark::samplers(std::uint64_t seed, std::uint64_t pair_stream,
                                  SampleSequence sequence) const {
  return {
      std::make_unique<GaussianMixtureSampler>(*input_, seed, source_stream(pair_stream), sequence),
      std::make_unique<MappedSampler>(*input_, sampling_map_, seed, target_stream(pair_stream),
                                      sequence),
      fmt::format("w2_benchmark_{}", dimension_)};
}

}  // namespace otfleet
