#include "kernels/networks/potential_network.hpp"

#include <KokkosBlas3_gemm.hpp>
#include <stdexcept>
#include <utility>

#include "kernels/lanes/pack.hpp"

namespace otfleet::kernels {
namespace {

/// s and its activation's value and slope, for one pack.
template <Activation activation, class Pack>
KOKKOS_INLINE_FUNCTION void activate(Pack& s, Pack& slope) {
  using Kokkos::abs;
  const auto number = [](double value) { return Pack(value); };
  const Pack zero = number(0), one = number(1);
  if constexpr (activation == Activation::identity) {
    slope = one;
  } else if constexpr (activation == Activation::relu || activation == Activation::leaky_relu) {
    const Pack below = number(activation == Activation::relu ? 0.0 : 0.2);
    slope = if_greater(s, zero, one, below);
    s = s * slope;
  } else if constexpr (activation == Activation::elu) {
    const Pack power = exp(min(s, zero));
    slope = if_greater(s, zero, one, power);
    s = if_greater(s, zero, s, power - one);
  } else {
    // With t = exp(−|s|) nothing overflows.
    const Pack t = exp(zero - kernels::abs(s));
    const Pack high = one / (one + t);
    const Pack sigmoid = if_greater(s, zero, high, t * high);
    if constexpr (activation == Activation::softplus) {
      s = max(s, zero) + log(one + t);
      slope = sigmoid;
    } else {
      slope = sigmoid * (one + s * (one - sigmoid));
      s = s * sigmoid;
    }
  }
}

enum class Turned { no, yes };

/// C = A B, or A Bᵀ where B is turned, plus beta C.
template <class ExecutionSpace, class Scalar>
void multiply(Turned turned, const Matrix<const Scalar, ExecutionSpace>& a,
              const Matrix<const Scalar, ExecutionSpace>& b, double beta,
              const Matrix<Scalar, ExecutionSpace>& c) {
  const char no_turn[] = "N", turn[] = "T";
  KokkosBlas::gemm(no_turn, turned == Turned::yes ? turn : no_turn, Scalar(1), a, b,
                   static_cast<Scalar>(beta), c);
}

/// The pre-activations s of a layer, of which output has U z + A x, become outputs and slopes.
template <Activation activation, class ExecutionSpace, class Scalar>
void finish_layer(const ExecutionSpace& space, int points, int outputs, int rank,
                  const Vector<const Scalar, ExecutionSpace>& bias,
                  const Matrix<Scalar, ExecutionSpace>& output,
                  const Matrix<Scalar, ExecutionSpace>& slope,
                  const Matrix<Scalar, ExecutionSpace>& product) {
  const bool biased = bias.extent(0) > 0;
  Kokkos::parallel_for(
      "otfleet::networks::finish_layer", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points),
      KOKKOS_LAMBDA(int k) {
        Scalar* const s = &output(k, 0);
        Scalar* const d = &slope(k, 0);
        if (biased)
          for (int o = 0; o < outputs; ++o) s[o] += bias(o);
        for (int o = 0; o < (rank > 0 ? outputs : 0); ++o) {
          Scalar sum = 0;
          for (int r = 0; r < rank; ++r) sum += product(k, o * rank + r) * product(k, o * rank + r);
          s[o] += sum / 2;
        }
        int o = 0;
        if constexpr (runs_on_host<ExecutionSpace>) {
          using Pack = HostPack<Scalar>;
          for (; o + Pack::width <= outputs; o += Pack::width) {
            Pack value = Pack::load(s + o), derivative;
            activate<activation>(value, derivative);
            value.store(s + o);
            derivative.store(d + o);
          }
        }
        for (; o < outputs; ++o) {
          Scalar value = s[o], derivative;
          activate<activation>(value, derivative);
          s[o] = value;
          d[o] = derivative;
        }
      });
}

template <class ExecutionSpace, class Scalar, class... Arguments>
void finish_layer(Activation activation, const ExecutionSpace& space, const Arguments&... rest) {
  switch (activation) {
    case Activation::identity:
      return finish_layer<Activation::identity, ExecutionSpace, Scalar>(space, rest...);
    case Activation::relu:
      return finish_layer<Activation::relu, ExecutionSpace, Scalar>(space, rest...);
    case Activation::leaky_relu:
      return finish_layer<Activation::leaky_relu, ExecutionSpace, Scalar>(space, rest...);
    case Activation::elu:
      return finish_layer<Activation::elu, ExecutionSpace, Scalar>(space, rest...);
    case Activation::softplus:
      return finish_layer<Activation::softplus, ExecutionSpace, Scalar>(space, rest...);
    case Activation::silu:
      return finish_layer<Activation::silu, ExecutionSpace, Scalar>(space, rest...);
  }
}

}  // namespace

Activation activation_of(const std::string& name) {
  const std::pair<const char*, Activation> all[] = {
      {"identity", Activation::identity},     {"relu", Activation::relu},
      {"leaky_relu", Activation::leaky_relu}, {"elu", Activation::elu},
      {"softplus", Activation::softplus},     {"silu", Activation::silu}};
  for (const auto& [known, activation] : all)
    if (name == known) return activation;
  throw std::invalid_argument("no activation is called '" + name + "'");
}

template <class ExecutionSpace, class Scalar>
NetworkOracle<ExecutionSpace, Scalar>::NetworkOracle(
    PotentialNetwork<ExecutionSpace, Scalar> network, int points)
    : network_(std::move(network)), points_(points), dimension_(0) {
  const auto check = [](bool good, std::size_t k, const char* complaint) {
    if (!good) throw std::invalid_argument("layer " + std::to_string(k) + ": " + complaint);
  };
  check(!network_.layers.empty(), 0, "a network has at least one");
  const auto rows = static_cast<std::size_t>(points);
  std::size_t before = 0;
  for (std::size_t k = 0; k < network_.layers.size(); ++k) {
    const auto& layer = network_.layers[k];
    check((layer.hidden.extent(0) > 0) == (k > 0) || layer.hidden.extent(0) == 0, k,
          "the first layer has no hidden weights");
    const std::size_t outputs = layer.hidden.extent(0) > 0  ? layer.hidden.extent(0)
                                : layer.input.extent(0) > 0 ? layer.input.extent(0)
                                                            : layer.bias.extent(0);
    check(outputs > 0, k, "it has no outputs");
    check(layer.hidden.extent(0) == 0 || layer.hidden.extent(1) == before, k,
          "hidden weights do not fit the layer before");
    for (const auto& wide : {layer.input, layer.quadratic}) {
      if (wide.extent(0) == 0) continue;
      if (dimension_ == 0) dimension_ = static_cast<int>(wide.extent(1));
      check(wide.extent(1) == static_cast<std::size_t>(dimension_), k,
            "its weights are for another dimension");
    }
    check(layer.input.extent(0) == 0 || layer.input.extent(0) == outputs, k,
          "input weights do not fit its outputs");
    check(layer.bias.extent(0) == 0 || layer.bias.extent(0) == outputs, k,
          "the bias does not fit its outputs");
    check(layer.quadratic.extent(0) % outputs == 0, k, "quadratic rows do not fit its outputs");
    Memory memory;
    memory.outputs = static_cast<int>(outputs);
    memory.rank = static_cast<int>(layer.quadratic.extent(0) / outputs);
    memory.output = Matrix<Scalar, ExecutionSpace>("otfleet::networks::output", rows, outputs);
    memory.slope = Matrix<Scalar, ExecutionSpace>("otfleet::networks::slope", rows, outputs);
    memory.product = Matrix<Scalar, ExecutionSpace>("otfleet::networks::product", rows,
                                                    layer.quadratic.extent(0));
    memory_.push_back(memory);
    before = outputs;
  }
  check(memory_.back().outputs == 1, network_.layers.size() - 1, "a potential has one output");
  check(dimension_ > 0, 0, "no layer sees the input");
}

template <class ExecutionSpace, class Scalar>
void NetworkOracle<ExecutionSpace, Scalar>::evaluate(
    const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& points,
    const Vector<Scalar, ExecutionSpace>& value, const Matrix<Scalar, ExecutionSpace>& gradient) {
  const int count = static_cast<int>(points.extent(0));
  if (count == 0) return;
  if (count > points_) throw std::invalid_argument("more points than the oracle was made for");
  const auto some = std::pair<std::size_t, std::size_t>(0, static_cast<std::size_t>(count));
  const auto rows = [&](const Matrix<Scalar, ExecutionSpace>& matrix) {
    return Matrix<Scalar, ExecutionSpace>(Kokkos::subview(matrix, some, Kokkos::ALL));
  };
  using Constant = Matrix<const Scalar, ExecutionSpace>;
  const std::size_t last = memory_.size() - 1;
  for (std::size_t k = 0; k <= last; ++k) {
    const auto& layer = network_.layers[k];
    const Memory& own = memory_[k];
    const auto output = rows(own.output);
    bool begun = false;
    if (layer.hidden.extent(0) > 0) {
      multiply<ExecutionSpace, Scalar>(Turned::yes, Constant(rows(memory_[k - 1].output)),
                                       layer.hidden, 0, output);
      begun = true;
    }
    if (layer.input.extent(0) > 0) {
      multiply<ExecutionSpace, Scalar>(Turned::yes, points, layer.input, begun ? 1 : 0, output);
      begun = true;
    }
    if (!begun) Kokkos::deep_copy(space, output, Scalar(0));
    if (own.rank > 0)
      multiply<ExecutionSpace, Scalar>(Turned::yes, points, layer.quadratic, 0, rows(own.product));
    if (k < last)
      finish_layer<ExecutionSpace, Scalar>(layer.activation, space, count, own.outputs, own.rank,
                                           layer.bias, own.output, own.slope, own.product);
  }
  // The value, and the gradient's parts that need no product.
  {
    const auto& layer = network_.layers[last];
    const Memory& own = memory_[last];
    const int rank = own.rank, dimension = dimension_;
    const bool biased = layer.bias.extent(0) > 0;
    const auto bias = layer.bias;
    const auto output = own.output, product = own.product, slope = own.slope;
    const auto half_square = static_cast<Scalar>(network_.half_square);
    Kokkos::parallel_for(
        "otfleet::networks::value", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int k) {
          Scalar sum = output(k, 0);
          if (biased) sum += bias(0);
          for (int r = 0; r < rank; ++r) sum += product(k, r) * product(k, r) / 2;
          Scalar square = 0;
          for (int i = 0; i < dimension; ++i) {
            square += points(k, i) * points(k, i);
            gradient(k, i) = half_square * points(k, i);
          }
          value(k) = sum + half_square * square / 2;
          slope(k, 0) = 1;
        });
  }
  for (std::size_t k = last + 1; k-- > 0;) {
    const auto& layer = network_.layers[k];
    const Memory& own = memory_[k];
    const auto slope = rows(own.slope);
    if (layer.input.extent(0) > 0)
      multiply<ExecutionSpace, Scalar>(Turned::no, Constant(slope), layer.input, 1, gradient);
    if (own.rank > 0) {
      const int wide = own.outputs * own.rank, rank = own.rank;
      const auto product = own.product;
      Kokkos::parallel_for(
          "otfleet::networks::quadratic_slope",
          Kokkos::RangePolicy<ExecutionSpace>(space, 0, count), KOKKOS_LAMBDA(int point) {
            for (int r = 0; r < wide; ++r) product(point, r) *= slope(point, r / rank);
          });
      multiply<ExecutionSpace, Scalar>(Turned::no, Constant(rows(product)), layer.quadratic, 1,
                                       gradient);
    }
    if (k == 0 || layer.hidden.extent(0) == 0) {
      if (k > 0) Kokkos::deep_copy(space, rows(memory_[k - 1].slope), Scalar(0));
      continue;
    }
    // The slopes of the layer before, times those of its activation, in the place of its outputs.
    const Memory& before = memory_[k - 1];
    multiply<ExecutionSpace, Scalar>(Turned::no, Constant(slope), layer.hidden, 0,
                                     rows(before.output));
    const auto carried = before.output, activation_slope = before.slope;
    const int outputs = before.outputs;
    Kokkos::parallel_for(
        "otfleet::networks::carry_back", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int point) {
          for (int o = 0; o < outputs; ++o) activation_slope(point, o) *= carried(point, o);
        });
  }
  space.fence();
}

template class NetworkOracle<Kokkos::DefaultExecutionSpace, float>;
template class NetworkOracle<Kokkos::DefaultExecutionSpace, double>;

}  // namespace otfleet::kernels
