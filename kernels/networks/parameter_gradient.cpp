#include "kernels/networks/parameter_gradient.hpp"

#include <stdexcept>
#include <utility>

#include "kernels/networks/activation.hpp"
#include "kernels/networks/layer_parts.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

using detail::Form;

/// Pre-activations, of which `output` has U z + A x, become outputs and slopes.
template <Activation activation, class ExecutionSpace, class Scalar>
void finish_layer(const ExecutionSpace& space, int points, int outputs, int rank,
                  const Vector<const Scalar, ExecutionSpace>& bias,
                  const Matrix<Scalar, ExecutionSpace>& output,
                  const Matrix<Scalar, ExecutionSpace>& slope,
                  const Matrix<Scalar, ExecutionSpace>& product) {
  Kokkos::parallel_for(
      "otfleet::networks::finish_layer_kept", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points),
      KOKKOS_LAMBDA(int k) {
        const bool biased = bias.extent(0) > 0;
        Scalar* const s = &output(k, 0);
        Scalar* const d = &slope(k, 0);
        for (int o = 0; o < (rank > 0 ? outputs : 0); ++o) {
          Scalar sum = 0;
          for (int r = 0; r < rank; ++r) sum += product(k, o * rank + r) * product(k, o * rank + r);
          s[o] += sum / 2;
        }
        int o = 0;
        if constexpr (Backend<ExecutionSpace>::packs_are_vectors) {
          using Pack = HostPack<Scalar>;
          for (; o + Pack::width <= outputs; o += Pack::width) {
            Pack value = Pack::load(s + o), derivative;
            if (biased) value = value + Pack::load(bias.data() + o);
            detail::activate<activation>(value, derivative);
            value.store(s + o);
            derivative.store(d + o);
          }
        }
        for (; o < outputs; ++o) {
          Scalar value = s[o], derivative;
          if (biased) value += bias(o);
          detail::activate<activation>(value, derivative);
          s[o] = value;
          d[o] = derivative;
        }
      });
}

}  // namespace

template <class ExecutionSpace, class Scalar>
ParameterGradient<ExecutionSpace, Scalar>::ParameterGradient(
    PotentialNetwork<ExecutionSpace, Scalar> network, std::vector<LayerGradient> gradient,
    int points)
    : network_(std::move(network)), gradient_(std::move(gradient)), points_(points) {
  if (gradient_.size() != network_.layers.size())
    throw std::invalid_argument("a gradient has as many layers as the network");
  const auto rows = static_cast<std::size_t>(points);
  for (std::size_t k = 0; k < network_.layers.size(); ++k) {
    const auto& layer = network_.layers[k];
    const auto& own = gradient_[k];
    const auto same = [](const auto& one, const auto& other) {
      return one.extent(0) == other.extent(0) && one.extent(1) == other.extent(1);
    };
    if (!same(layer.hidden, own.hidden) || !same(layer.input, own.input) ||
        !same(layer.quadratic, own.quadratic) || layer.bias.extent(0) != own.bias.extent(0))
      throw std::invalid_argument("layer " + std::to_string(k) +
                                  ": its gradient has other shapes than its weights");
    const std::size_t outputs = detail::outputs_of(layer);
    Memory memory;
    memory.outputs = static_cast<int>(outputs);
    memory.rank = static_cast<int>(layer.quadratic.extent(0) / outputs);
    memory.output = Matrix<Scalar, ExecutionSpace>("otfleet::networks::output", rows, outputs);
    memory.slope = Matrix<Scalar, ExecutionSpace>("otfleet::networks::slope", rows, outputs);
    memory.product = Matrix<Scalar, ExecutionSpace>("otfleet::networks::product", rows,
                                                    layer.quadratic.extent(0));
    memory_.push_back(memory);
  }
  ones_ = Matrix<Scalar, ExecutionSpace>("otfleet::networks::ones", rows, 1);
  Kokkos::deep_copy(ones_, Scalar(1));
}

template <class ExecutionSpace, class Scalar>
void ParameterGradient<ExecutionSpace, Scalar>::compute(
    const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& points,
    const Vector<const Scalar, ExecutionSpace>& weights,
    const std::function<void(std::size_t layer)>& done) {
  const int count = static_cast<int>(points.extent(0));
  if (count > points_) throw std::invalid_argument("more points than the gradient was made for");
  const auto some = std::pair<std::size_t, std::size_t>(0, static_cast<std::size_t>(count));
  const auto rows = [&](const Matrix<Scalar, ExecutionSpace>& matrix) {
    return Matrix<Scalar, ExecutionSpace>(Kokkos::subview(matrix, some, Kokkos::ALL));
  };
  using Constant = Matrix<const Scalar, ExecutionSpace>;
  const auto product_of = [](Form form, const Constant& a, const Constant& b, double beta,
                             const Matrix<Scalar, ExecutionSpace>& c) {
    detail::multiply<ExecutionSpace, Scalar>(form, a, b, beta, c);
  };
  const std::size_t last = memory_.size() - 1;
  for (std::size_t k = 0; k <= last; ++k) {
    const auto& layer = network_.layers[k];
    const Memory& own = memory_[k];
    if (own.rank > 0) product_of(Form::a_bt, points, layer.quadratic, 0, rows(own.product));
    if (k == last) break;
    const auto output = rows(own.output);
    const bool sees_hidden = layer.hidden.extent(0) > 0;
    if (sees_hidden) product_of(Form::a_bt, rows(memory_[k - 1].output), layer.hidden, 0, output);
    if (layer.input.extent(0) > 0)
      product_of(Form::a_bt, points, layer.input, sees_hidden ? 1 : 0, output);
    else if (!sees_hidden)
      Kokkos::deep_copy(space, output, Scalar(0));
    detail::with_activation(layer.activation, [&](auto constant) {
      finish_layer<decltype(constant)::value, ExecutionSpace, Scalar>(
          space, count, own.outputs, own.rank, layer.bias, own.output, own.slope, own.product);
    });
  }
  {
    const auto slope = memory_[last].slope;
    Kokkos::parallel_for(
        "otfleet::networks::output_slope", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int k) { slope(k, 0) = weights(k); });
  }
  for (std::size_t k = last + 1; k-- > 0;) {
    const auto& layer = network_.layers[k];
    const Memory& own = memory_[k];
    const LayerGradient& to = gradient_[k];
    const auto slope = rows(own.slope);  // by the pre-activations
    if (to.hidden.extent(0) > 0)
      product_of(Form::at_b, slope, rows(memory_[k - 1].output), 0, to.hidden);
    if (to.input.extent(0) > 0) product_of(Form::at_b, slope, points, 0, to.input);
    if (to.bias.extent(0) > 0)
      product_of(Form::at_b, rows(ones_), slope, 0,
                 Matrix<Scalar, ExecutionSpace>(to.bias.data(), std::size_t{1}, to.bias.extent(0)));
    if (own.rank > 0) {
      detail::scale_by_slopes<ExecutionSpace, Scalar>(space, count, own.outputs, own.rank,
                                                      own.slope, own.product);
      product_of(Form::at_b, rows(own.product), points, 0, to.quadratic);
    }
    if (done) done(k);
    if (k == 0) break;
    // The slopes of the layer before, times those of its activation; its outputs are done with.
    const Memory& before = memory_[k - 1];
    if (layer.hidden.extent(0) == 0) {
      Kokkos::deep_copy(space, rows(before.slope), Scalar(0));
      continue;
    }
    product_of(Form::a_b, slope, layer.hidden, 0, rows(before.output));
    detail::carry_back<ExecutionSpace, Scalar>(space, count, before.outputs, before.output,
                                               before.slope);
  }
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                \
  template class ParameterGradient<Space, float>; \
  template class ParameterGradient<Space, double>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
