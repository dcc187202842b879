#include "kernels/networks/potential_network.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/networks/parameter_gradient.hpp"
#include "tests/kernels/test_space.hpp"

// Networks by matrix products against the same networks written with loops, and their gradients
// against central differences.

namespace otfleet::kernels {
namespace {

using Values = std::vector<double>;

struct Layer {
  std::size_t outputs = 0, rank = 0;
  Values hidden, input, quadratic, bias;  ///< [out, in], [out, D], [out rank, D], [out]
  std::string activation = "";            ///< the network's
};

struct Network {
  std::size_t dimension = 0;
  std::vector<Layer> layers;
  std::string activation;
  double half_square = 0;
};

double activated(const std::string& name, double s) {
  if (name == "identity") return s;
  if (name == "relu") return std::max(s, 0.0);
  if (name == "leaky_relu") return s > 0 ? s : 0.2 * s;
  if (name == "elu") return s > 0 ? s : std::expm1(s);
  if (name == "softplus") return std::max(s, 0.0) + std::log1p(std::exp(-std::abs(s)));
  return s / (1 + std::exp(-s));
}

double reference(const Network& network, const Values& x) {
  Values z;
  const std::size_t d = network.dimension;
  for (std::size_t k = 0; k < network.layers.size(); ++k) {
    const Layer& layer = network.layers[k];
    Values next;
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      double s = layer.bias.empty() ? 0 : layer.bias[o];
      if (!layer.hidden.empty())
        for (std::size_t i = 0; i < z.size(); ++i) s += layer.hidden[o * z.size() + i] * z[i];
      if (!layer.input.empty())
        for (std::size_t i = 0; i < d; ++i) s += layer.input[o * d + i] * x[i];
      for (std::size_t r = 0; r < layer.rank; ++r) {
        double product = 0;
        for (std::size_t i = 0; i < d; ++i)
          product += layer.quadratic[(o * layer.rank + r) * d + i] * x[i];
        s += product * product / 2;
      }
      next.push_back(
          k + 1 < network.layers.size()
              ? activated(layer.activation.empty() ? network.activation : layer.activation, s)
              : s);
    }
    z = next;
  }
  double square = 0;
  for (const double value : x) square += value * value;
  return z[0] + network.half_square * square / 2;
}

template <class Scalar>
Matrix<const Scalar, Space> upload(const Values& values, std::size_t columns) {
  const std::size_t rows = columns == 0 ? 0 : values.size() / columns;
  const Matrix<Scalar, Space> matrix("otfleet::test::values", rows, columns);
  const auto host = Kokkos::create_mirror_view(matrix);
  for (std::size_t k = 0; k < values.size(); ++k)
    host(k / columns, k % columns) = static_cast<Scalar>(values[k]);
  Kokkos::deep_copy(matrix, host);
  return matrix;
}

template <class Scalar>
PotentialNetwork<Space, Scalar> device_network(const Network& network) {
  PotentialNetwork<Space, Scalar> result;
  result.half_square = network.half_square;
  std::size_t before = 0;
  for (const Layer& layer : network.layers) {
    PotentialLayer<Space, Scalar> one;
    one.activation =
        activation_of(layer.activation.empty() ? network.activation : layer.activation);
    if (!layer.hidden.empty()) one.hidden = upload<Scalar>(layer.hidden, before);
    if (!layer.input.empty()) one.input = upload<Scalar>(layer.input, network.dimension);
    if (!layer.quadratic.empty())
      one.quadratic = upload<Scalar>(layer.quadratic, network.dimension);
    if (!layer.bias.empty()) {
      const Vector<Scalar, Space> bias("otfleet::test::bias", layer.bias.size());
      const auto host = Kokkos::create_mirror_view(bias);
      for (std::size_t o = 0; o < layer.bias.size(); ++o)
        host(o) = static_cast<Scalar>(layer.bias[o]);
      Kokkos::deep_copy(bias, host);
      one.bias = bias;
    }
    result.layers.push_back(one);
    before = layer.outputs;
  }
  return result;
}

template <class Scalar>
NetworkOracle<Space, Scalar> oracle_of(const Network& network, int points) {
  return {device_network<Scalar>(network), points};
}

class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}
  Values values(std::size_t count, double scale) {
    Values result(count);
    for (double& value : result) value = scale * normal_(engine_);
    return result;
  }
  std::size_t below(std::size_t end) { return engine_() % end; }

 private:
  std::mt19937 engine_;
  std::normal_distribution<double> normal_;
};

Network random_network(Draw& draw, const std::string& activation) {
  Network network;
  network.dimension = 1 + draw.below(9);
  network.activation = activation;
  network.half_square = draw.below(2) == 0 ? 0 : 0.7;
  const std::size_t depth = 1 + draw.below(4);
  std::size_t before = 0;
  for (std::size_t k = 0; k < depth; ++k) {
    Layer layer;
    layer.outputs = k + 1 == depth ? 1 : 1 + draw.below(40);
    const double scale = 1 / std::sqrt(1.0 + static_cast<double>(before));
    if (k > 0) layer.hidden = draw.values(layer.outputs * before, scale);
    if (k == 0 || draw.below(2) == 0)
      layer.input = draw.values(layer.outputs * network.dimension, 0.5);
    layer.rank = draw.below(3);
    layer.quadratic = draw.values(layer.outputs * layer.rank * network.dimension, 0.3);
    if (draw.below(2) == 0) layer.bias = draw.values(layer.outputs, 0.5);
    if (k == 0 && draw.below(3) == 0) layer.activation = "identity";
    before = layer.outputs;
    network.layers.push_back(layer);
  }
  return network;
}

template <class Scalar>
void expect_values_and_gradients(const Network& network, Draw& draw, double tolerance) {
  constexpr std::size_t room = 20, count = 13;
  const std::size_t d = network.dimension;
  auto oracle = oracle_of<Scalar>(network, room);
  ASSERT_EQ(oracle.dimension(), static_cast<int>(d));
  const Values points = draw.values(count * d, 1);
  const Vector<Scalar, Space> value("otfleet::test::value", count);
  const Matrix<Scalar, Space> gradient("otfleet::test::gradient", count, d);
  for (int call = 0; call < 2; ++call)  // nothing is left over from the first
    oracle.evaluate(Space(), upload<Scalar>(points, d), value, gradient);
  const auto f = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), value);
  const auto g = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), gradient);
  for (std::size_t k = 0; k < count; ++k) {
    Values x(points.begin() + static_cast<long>(k * d),
             points.begin() + static_cast<long>((k + 1) * d));
    const double expected = reference(network, x);
    EXPECT_NEAR(f(k), expected, tolerance * (1 + std::abs(expected)));
    if (network.activation.ends_with("relu")) continue;  // kinks: below
    for (std::size_t i = 0; i < d; ++i) {
      constexpr double step = 1e-4;
      const auto at = [&](double t) {
        Values moved = x;
        moved[i] += t;
        return reference(network, moved);
      };
      // Of fourth order.
      const double slope =
          (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
      EXPECT_NEAR(g(k, i), slope, std::max(tolerance, 1e-8) * (1 + std::abs(slope)));
    }
  }
}

TEST(PotentialNetworkTest, RandomArchitectures) {
  Draw draw(7);
  for (const char* activation : {"relu", "leaky_relu", "elu", "softplus", "silu"})
    for (int k = 0; k < 12; ++k) {
      SCOPED_TRACE(activation);
      const Network network = random_network(draw, activation);
      expect_values_and_gradients<double>(network, draw, 1e-12);
      expect_values_and_gradients<float>(network, draw, 2e-4);
    }
}

TEST(ParameterGradientTest, RandomArchitectures) {
  Draw draw(11);
  constexpr std::size_t room = 20, count = 13;
  for (const char* activation : {"elu", "softplus", "silu"})
    for (int trial = 0; trial < 8; ++trial) {
      SCOPED_TRACE(activation);
      Network network = random_network(draw, activation);
      const std::size_t d = network.dimension;
      std::vector<PotentialLayerGradient<Space, double>> gradient;
      const auto like = [](const Values& values, std::size_t columns) {
        return Matrix<double, Space>("otfleet::test::gradient",
                                     columns == 0 ? 0 : values.size() / columns, columns);
      };
      std::size_t before = 0;
      for (const Layer& layer : network.layers) {
        PotentialLayerGradient<Space, double> one;
        if (!layer.hidden.empty()) one.hidden = like(layer.hidden, before);
        if (!layer.input.empty()) one.input = like(layer.input, d);
        if (!layer.quadratic.empty()) one.quadratic = like(layer.quadratic, d);
        if (!layer.bias.empty())
          one.bias = Vector<double, Space>("otfleet::test::gradient", layer.bias.size());
        gradient.push_back(one);
        before = layer.outputs;
      }
      ParameterGradient<Space, double> derivative(device_network<double>(network), gradient, room);
      const Values points = draw.values(count * d, 1), weights = draw.values(count, 1);
      const Vector<double, Space> device_weights("otfleet::test::weights", count);
      const auto host = Kokkos::create_mirror_view(device_weights);
      for (std::size_t k = 0; k < count; ++k) host(k) = weights[k];
      Kokkos::deep_copy(device_weights, host);
      std::vector<std::size_t> done;
      for (int call = 0; call < 2; ++call) {  // nothing is left over from the first
        done.clear();
        derivative.compute(Space(), upload<double>(points, d), device_weights,
                           [&](std::size_t layer) { done.push_back(layer); });
      }
      ASSERT_EQ(done.size(), network.layers.size());
      EXPECT_EQ(done.front(), network.layers.size() - 1);
      EXPECT_EQ(done.back(), 0u);
      const auto sum = [&] {
        double total = 0;
        for (std::size_t k = 0; k < count; ++k) {
          const auto begin = points.begin() + static_cast<long>(k * d);
          total += weights[k] * reference(network, Values(begin, begin + static_cast<long>(d)));
        }
        return total;
      };
      const auto expect_derivatives = [&](Values& values, const auto& found) {
        const auto host_found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), found);
        for (std::size_t i = 0; i < values.size(); i += 1 + values.size() / 7) {
          constexpr double step = 1e-4;
          const double middle = values[i];
          const auto at = [&](double t) {
            values[i] = middle + t;
            return sum();
          };
          const double slope =
              (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
          values[i] = middle;
          EXPECT_NEAR(host_found.data()[i], slope, 1e-7 * (1 + std::abs(slope)));
        }
      };
      for (std::size_t k = 0; k < network.layers.size(); ++k) {
        expect_derivatives(network.layers[k].hidden, gradient[k].hidden);
        expect_derivatives(network.layers[k].input, gradient[k].input);
        expect_derivatives(network.layers[k].quadratic, gradient[k].quadratic);
        expect_derivatives(network.layers[k].bias, gradient[k].bias);
      }
    }
}

TEST(PotentialNetworkTest, KinksHaveTheSlopeOfTheirSide) {
  // f = 3 act(2 x) with x on either side.
  for (const auto& [name, below] : {std::pair("relu", 0.0), std::pair("leaky_relu", 0.2)}) {
    Network network;
    network.dimension = 1;
    network.activation = name;
    network.layers = {{1, 0, {}, {2}, {}, {}}, {1, 0, {3}, {}, {}, {}}};
    auto oracle = oracle_of<double>(network, 2);
    const Vector<double, Space> value("otfleet::test::value", 2);
    const Matrix<double, Space> gradient("otfleet::test::gradient", 2, 1);
    oracle.evaluate(Space(), upload<double>({-1, 1}, 1), value, gradient);
    const auto g = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), gradient);
    EXPECT_EQ(g(0, 0), 6 * below);
    EXPECT_EQ(g(1, 0), 6);
  }
}

TEST(PotentialNetworkTest, LargeInputsDoNotOverflow) {
  for (const char* activation : {"elu", "softplus", "silu"}) {
    Network network;
    network.dimension = 1;
    network.activation = activation;
    network.layers = {{1, 0, {}, {1}, {}, {}}, {1, 0, {1}, {}, {}, {}}};
    auto oracle = oracle_of<double>(network, 2);
    const Vector<double, Space> value("otfleet::test::value", 2);
    const Matrix<double, Space> gradient("otfleet::test::gradient", 2, 1);
    oracle.evaluate(Space(), upload<double>({-1e5, 1e5}, 1), value, gradient);
    const auto f = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), value);
    const auto g = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), gradient);
    EXPECT_EQ(f(0), std::string(activation) == "elu" ? -1 : 0) << activation;
    EXPECT_EQ(f(1), 1e5) << activation;
    EXPECT_EQ(g(0, 0), 0) << activation;
    EXPECT_EQ(g(1, 0), 1) << activation;
  }
}

TEST(PotentialNetworkTest, ShapesThatDoNotFit) {
  const auto refused = [](const Network& network) {
    EXPECT_THROW(oracle_of<double>(network, 1), std::invalid_argument);
  };
  Network network;
  network.dimension = 2;
  network.activation = "softplus";
  refused(network);  // no layers
  network.layers = {{3, 0, {}, Values(6), {}, {}}};
  refused(network);  // three outputs
  network.layers.push_back({1, 0, Values(3), {}, {}, Values(2)});
  refused(network);  // two biases
  network.layers.back().bias.clear();
  oracle_of<double>(network, 1);
  EXPECT_THROW(activation_of("tanh"), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
