#include "kernels/networks/potential_network.hpp"

#include <stdexcept>
#include <utility>

#include "kernels/networks/activation.hpp"
#include "kernels/networks/layer_parts.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

using detail::Form;
using detail::multiply;

/// What a hidden layer's pre-activations become, of which `output` has U z + A x.
template <class ExecutionSpace, class Scalar>
struct HiddenLayer {
  int outputs, rank;
  Vector<const Scalar, ExecutionSpace> bias;
  Matrix<const Scalar, ExecutionSpace> head;  ///< [1, outputs] of the last layer, or empty
  Matrix<Scalar, ExecutionSpace> output, slope, product;
  Vector<Scalar, ExecutionSpace> value;  ///< [K] head times the outputs, where there is a head
};

/// Outputs and slopes in one pass. Before a layer with one output that is all that is left to do:
/// its product with the outputs, and the slopes of that; the outputs themselves are not kept.
template <Activation activation, class ExecutionSpace, class Scalar>
void finish_layer(const ExecutionSpace& space, int points,
                  const HiddenLayer<ExecutionSpace, Scalar>& layer) {
  Kokkos::parallel_for(
      "otfleet::networks::finish_layer", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points),
      KOKKOS_LAMBDA(int k) {
        const bool biased = layer.bias.extent(0) > 0, headed = layer.head.extent(0) > 0;
        const int outputs = layer.outputs, rank = layer.rank;
        Scalar* const s = &layer.output(k, 0);
        Scalar* const d = &layer.slope(k, 0);
        const Scalar* const bias = layer.bias.data();
        const Scalar* const head = layer.head.data();
        const Scalar* const product = layer.product.data() + k * layer.product.extent(1);
        if (rank == 1)  // a loop that is vectorized
          for (int o = 0; o < outputs; ++o) s[o] += product[o] * product[o] / 2;
        else
          for (int at = 0; at < outputs * rank; ++at) s[at / rank] += product[at] * product[at] / 2;
        Scalar sum = 0;
        int o = 0;
        if constexpr (Backend<ExecutionSpace>::packs_are_vectors) {
          using Pack = HostPack<Scalar>;
          Pack sums(0);
          for (; o + Pack::width <= outputs; o += Pack::width) {
            Pack value = Pack::load(s + o), derivative;
            if (biased) value = value + Pack::load(bias + o);
            detail::activate<activation>(value, derivative);
            if (headed) {
              const Pack weights = Pack::load(head + o);
              sums = sums + weights * value;
              derivative = weights * derivative;
            } else {
              value.store(s + o);
            }
            derivative.store(d + o);
          }
          for (const auto& part : sums.v)
            for (int e = 0; e < Pack::vector_width; ++e) sum += part[e];
        }
        for (; o < outputs; ++o) {
          Scalar value = s[o], derivative;
          if (biased) value += bias[o];
          detail::activate<activation>(value, derivative);
          if (headed) {
            sum += head[o] * value;
            derivative *= head[o];
          } else {
            s[o] = value;
          }
          d[o] = derivative;
        }
        if (headed) layer.value(k) = sum;
      });
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
    const std::size_t outputs = detail::outputs_of(layer);
    check(outputs > 0, k, "it has no outputs");
    check(layer.hidden.extent(0) == 0 || layer.hidden.extent(1) == before, k,
          "hidden weights do not fit the layer before");
    const auto check_dimension = [&](const Matrix<const Scalar, ExecutionSpace>& weights) {
      if (weights.extent(0) == 0) return;
      if (dimension_ == 0) dimension_ = static_cast<int>(weights.extent(1));
      check(weights.extent(1) == static_cast<std::size_t>(dimension_), k,
            "its weights are for another dimension");
    };
    check_dimension(layer.input);
    check_dimension(layer.quadratic);
    check(layer.input.extent(0) == 0 || layer.input.extent(0) == outputs, k,
          "input weights do not fit its outputs");
    check(layer.bias.extent(0) == 0 || layer.bias.extent(0) == outputs, k,
          "the bias does not fit its outputs");
    check(layer.quadratic.extent(0) % outputs == 0, k, "quadratic rows do not fit its outputs");
    Memory memory;
    memory.outputs = static_cast<int>(outputs);
    memory.rank = static_cast<int>(layer.quadratic.extent(0) / outputs);
    memory.output = Matrix<Scalar, ExecutionSpace>("otfleet::networks::output", rows, outputs);
    // Of the layer before the last, slopes take the place of its outputs, which nobody needs.
    const bool needed = k + 2 != network_.layers.size();
    memory.slope = needed
                       ? Matrix<Scalar, ExecutionSpace>("otfleet::networks::slope", rows, outputs)
                       : memory.output;
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
  const auto& head = network_.layers[last];
  const bool headed = head.hidden.extent(0) > 0;
  for (std::size_t k = 0; k < last; ++k) {
    const auto& layer = network_.layers[k];
    const Memory& own = memory_[k];
    const auto output = rows(own.output);
    bool begun = false;
    if (layer.hidden.extent(0) > 0) {
      multiply<ExecutionSpace, Scalar>(Form::a_bt, Constant(rows(memory_[k - 1].output)),
                                       layer.hidden, 0, output);
      begun = true;
    }
    if (layer.input.extent(0) > 0) {
      multiply<ExecutionSpace, Scalar>(Form::a_bt, points, layer.input, begun ? 1 : 0, output);
      begun = true;
    }
    if (!begun) Kokkos::deep_copy(space, output, Scalar(0));
    if (own.rank > 0)
      multiply<ExecutionSpace, Scalar>(Form::a_bt, points, layer.quadratic, 0, rows(own.product));
    const HiddenLayer<ExecutionSpace, Scalar> hidden{
        own.outputs, own.rank,  layer.bias,  k + 1 == last ? head.hidden : Constant(),
        own.output,  own.slope, own.product, value};
    detail::with_activation(layer.activation, [&](auto constant) {
      finish_layer<decltype(constant)::value>(space, count, hidden);
    });
  }
  // The last layer has one output: no products of matrices but for Q.
  if (memory_[last].rank > 0)
    multiply<ExecutionSpace, Scalar>(Form::a_bt, points, head.quadratic, 0,
                                     rows(memory_[last].product));
  {
    const int rank = memory_[last].rank, dimension = dimension_;
    const auto bias = head.bias;
    const auto input = head.input;
    const auto product = memory_[last].product;
    const auto half_square = static_cast<Scalar>(network_.half_square);
    Kokkos::parallel_for(
        "otfleet::networks::value", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int k) {
          const Scalar* const x = &points(k, 0);
          Scalar* const slope = &gradient(k, 0);
          Scalar sum = headed ? value(k) : 0;
          if (bias.extent(0) > 0) sum += bias(0);
          Scalar squares = 0;
          for (int r = 0; r < rank; ++r) squares += product(k, r) * product(k, r);
          for (int i = 0; i < dimension; ++i) {
            squares += half_square * x[i] * x[i];
            slope[i] = half_square * x[i];
          }
          if (input.extent(0) > 0)
            for (int i = 0; i < dimension; ++i) {
              sum += input(0, i) * x[i];
              slope[i] += input(0, i);
            }
          value(k) = sum + squares / 2;
        });
  }
  if (memory_[last].rank > 0)
    multiply<ExecutionSpace, Scalar>(Form::a_b, Constant(rows(memory_[last].product)),
                                     head.quadratic, 1, gradient);
  // What the last layer does not see has no slope.
  if (last > 0 && !headed) Kokkos::deep_copy(space, rows(memory_[last - 1].slope), Scalar(0));
  for (std::size_t k = last; k-- > 0;) {
    const auto& layer = network_.layers[k];
    const Memory& own = memory_[k];
    const auto slope = rows(own.slope);
    if (layer.input.extent(0) > 0)
      multiply<ExecutionSpace, Scalar>(Form::a_b, Constant(slope), layer.input, 1, gradient);
    if (own.rank > 0) {
      detail::scale_by_slopes<ExecutionSpace, Scalar>(space, count, own.outputs, own.rank,
                                                      own.slope, own.product);
      multiply<ExecutionSpace, Scalar>(Form::a_b, Constant(rows(own.product)), layer.quadratic, 1,
                                       gradient);
    }
    if (k == 0) break;
    if (layer.hidden.extent(0) == 0) {
      Kokkos::deep_copy(space, rows(memory_[k - 1].slope), Scalar(0));
      continue;
    }
    // The slopes of the layer before, times those of its activation, in the place of its outputs.
    const Memory& before = memory_[k - 1];
    multiply<ExecutionSpace, Scalar>(Form::a_b, Constant(slope), layer.hidden, 0,
                                     rows(before.output));
    detail::carry_back<ExecutionSpace, Scalar>(space, count, before.outputs, before.output,
                                               before.slope);
  }
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)            \
  template class NetworkOracle<Space, float>; \
  template class NetworkOracle<Space, double>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
