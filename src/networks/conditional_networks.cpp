#include "src/networks/conditional_networks.hpp"

#include <utility>

#include "src/networks/architectures/pair_network.hpp"
#include "src/networks/make_network.hpp"

namespace otfleet {
namespace {

/// Fresh contexts change little: training begins near one potential for all problems.
constexpr double fresh_modulation = 0.3;

/// An MLP with small outputs.
torch::nn::Sequential small_body(std::int64_t in, const std::vector<std::int64_t>& hidden,
                                 std::int64_t out) {
  auto result = layers(widths_of(in, hidden, out), true);
  const auto parameters = result->parameters();
  const torch::NoGradGuard no_graph;
  for (const auto& last : {parameters.end() - 2, parameters.end() - 1}) last->mul_(small_output);
  return result;
}

std::int64_t numbers_of(const Layer& layer) {
  std::int64_t count = 0;
  Layer copy = layer;
  copy.for_each([&](const char*, const torch::Tensor& tensor) {
    if (tensor.defined()) count += tensor.numel();
  });
  return count;
}

/// Of such a tensor for every problem.
std::vector<std::int64_t> sizes_for(const torch::Tensor& tensor, std::int64_t problems) {
  std::vector<std::int64_t> sizes = {problems};
  for (const auto size : tensor.sizes()) sizes.push_back(size);
  return sizes;
}

/// The columns of [rows, columns] times 1 + A u of every problem: [G, rows, columns].
torch::Tensor scaled_columns(const torch::Tensor& matrix, const torch::Tensor& factors,
                             const torch::Tensor& code, bool nonnegative) {
  torch::Tensor scale = 1 + code.matmul(factors.t());
  if (nonnegative) scale = torch::relu(scale);
  return matrix.unsqueeze(0) * scale.unsqueeze(1);
}

}  // namespace

LayeredConditionalNetworks::LayeredConditionalNetworks(const ConditionalDescription& description)
    : dimension_(description.dimension),
      conditioning_(description.context > 0 ? description.architecture.conditioning
                                            : Conditioning::none),
      gaussian_start_(description.architecture.start == MapStart::gaussian) {
  const ModelOptions& model = description.architecture;
  base_ = make_potential(model, dimension_);
  Layer& last = base_.layers.back();
  if (!last.input.defined()) last.input = torch::zeros({1, dimension_});
  if (gaussian_start_) {  // its quadratic takes the place of the identity's
    base_.half_square = 0;
    last.quadratic = torch::Tensor();
  }
  coder_ = ContextCoder(description);
  make_modulations();
  if (model.has_predictor())
    predictor_ = small_body(dimension_ + coder_.width(), model.predictor_hidden, dimension_);
  make_layout();
  FlatParameters::Named named;
  add_names(named);
  for (auto& [name, tensor] : named) tensor.requires_grad_();
  flat_.take(named);
}

void LayeredConditionalNetworks::make_modulations() {
  modulations_.resize(base_.layers.size());
  if (conditioning_ == Conditioning::none) return;
  const std::int64_t width = coder_.width();
  if (conditioning_ == Conditioning::generated) {
    std::int64_t count = 0;
    for (const Layer& layer : base_.layers) count += numbers_of(layer);
    generator_ = torch::zeros({count, width});
    return;
  }
  const auto small = [&](const torch::Tensor& columns_of) {
    return columns_of.defined() ? fresh_modulation * fresh(columns_of.size(1), width)
                                : torch::Tensor();
  };
  for (std::size_t k = 0; k < base_.layers.size(); ++k) {
    const Layer& layer = base_.layers[k];
    const bool is_last = k + 1 == base_.layers.size();
    Modulation& own = modulations_[k];
    own.hidden = small(layer.hidden);
    own.quadratic = small(layer.quadratic);
    if (layer.bias.defined()) own.bias = fresh_modulation * fresh(layer.bias.size(0), width);
    if (is_last)
      own.shift = torch::zeros({dimension_, width});  // the map's translation
    else
      own.input = small(layer.input);
  }
}

void LayeredConditionalNetworks::make_layout() {
  layout_.half_square = base_.half_square;
  layout_.convex = base_.convex;
  for (std::size_t k = 0; k < base_.layers.size(); ++k) {
    const Layer& from = base_.layers[k];
    PotentialLayout::Layer layer;
    layer.activation = from.activation;
    const auto place = [&](PotentialLayout::Part& part, std::int64_t rows, std::int64_t columns) {
      part = {layout_.size, rows, columns};
      layout_.size += rows * columns;
    };
    const auto place_matrix = [&](PotentialLayout::Part& part, const torch::Tensor& matrix) {
      if (matrix.defined()) place(part, matrix.size(0), matrix.size(1));
    };
    place_matrix(layer.hidden, from.hidden);
    place_matrix(layer.input, from.input);
    if (gaussian_start_ && k + 1 == base_.layers.size())
      place(layer.quadratic, dimension_, dimension_);
    else
      place_matrix(layer.quadratic, from.quadratic);
    if (from.bias.defined()) place(layer.bias, 1, from.bias.size(0));
    layout_.layers.push_back(layer);
  }
}

void LayeredConditionalNetworks::add_names(FlatParameters::Named& named) {
  base_.add_names("potential", named);
  for (std::size_t k = 0; k < modulations_.size(); ++k) {
    const Modulation& own = modulations_[k];
    const std::string prefix = "context." + std::to_string(k) + ".";
    for (const auto& [name, tensor] :
         {std::pair{"hidden", own.hidden}, std::pair{"input", own.input},
          std::pair{"quadratic", own.quadratic}, std::pair{"bias", own.bias},
          std::pair{"shift", own.shift}})
      if (tensor.defined()) named.emplace_back(prefix + name, tensor);
  }
  if (generator_.defined()) named.emplace_back("context.generator", generator_);
  coder_.add_names(named);
  if (predictor_) add_named(named, "predictor", predictor_);
}

/// `generated` [G, numbers]: of all trained weights, or undefined.
Layer LayeredConditionalNetworks::layer_for(std::size_t layer, std::int64_t problems,
                                            const torch::Tensor& generated) const {
  const Layer& base = base_.layers[layer];
  const Modulation& own = modulations_[layer];
  std::int64_t at = 0;
  if (generated.defined())
    for (std::size_t k = 0; k < layer; ++k) at += numbers_of(base_.layers[k]);
  const auto part = [&](const torch::Tensor& matrix, const torch::Tensor& factors,
                        bool nonnegative) {
    if (!matrix.defined()) return torch::Tensor();
    if (generated.defined()) {
      const torch::Tensor sum =
          matrix.unsqueeze(0) +
          generated.narrow(1, at, matrix.numel()).reshape(sizes_for(matrix, problems));
      at += matrix.numel();
      return nonnegative ? torch::relu(sum) : sum;
    }
    if (factors.defined()) return scaled_columns(matrix, factors, code_, nonnegative);
    return matrix.unsqueeze(0).expand(sizes_for(matrix, problems));
  };
  Layer result;
  result.hidden = part(base.hidden, own.hidden, base_.convex);
  result.input = part(base.input, own.input, false);
  result.quadratic = part(base.quadratic, own.quadratic, false);
  result.bias = part(base.bias, torch::Tensor(), false);
  if (own.bias.defined()) result.bias = result.bias + code_.matmul(own.bias.t());
  if (own.shift.defined()) result.input = result.input + code_.matmul(own.shift.t()).unsqueeze(1);
  return result;
}

DeviceArray<const float, 2> LayeredConditionalNetworks::run(
    const DeviceArray<const float, 2>& contexts, const DeviceArray<const float, 2>& starts,
    bool keep) {
  const torch::AutoGradMode graph(keep);
  const auto problems = static_cast<std::int64_t>(contexts.extent(0));
  if (coder_.width() > 0) code_ = coder_.code(tensor_of(contexts));
  starts_ = gaussian_start_ ? tensor_of(starts) : torch::Tensor();
  torch::Tensor generated;
  if (generator_.defined()) generated = code_.matmul(generator_.t());
  std::vector<torch::Tensor> rows;
  for (std::size_t k = 0; k < base_.layers.size(); ++k) {
    Layer layer = layer_for(k, problems, generated);
    if (gaussian_start_ && k + 1 == base_.layers.size()) {
      const std::int64_t square = dimension_ * dimension_;
      layer.quadratic = starts_.narrow(1, 0, square);
      layer.input = layer.input + starts_.narrow(1, square, dimension_).unsqueeze(1);
    }
    layer.for_each([&](const char*, const torch::Tensor& tensor) {
      if (tensor.defined()) rows.push_back(tensor.reshape({problems, -1}));
    });
  }
  weights_ = torch::cat(rows, 1);
  return {weights_.data_ptr<float>(),
          {static_cast<std::size_t>(problems), static_cast<std::size_t>(layout_.size)}};
}

void LayeredConditionalNetworks::predict(const DeviceArray<const float, 2>& y,
                                         const DeviceArray<float, 2>& x, bool keep) {
  const torch::AutoGradMode graph(keep);
  const std::int64_t problems = weights_.size(0), points = tensor_of(y).size(0) / problems;
  const torch::Tensor of_problems = tensor_of(y).view({problems, points, dimension_});
  torch::Tensor seen = of_problems, begin = of_problems;
  if (coder_.width() > 0)
    seen = torch::cat({seen, code_.unsqueeze(1).expand({problems, points, code_.size(1)})}, 2);
  if (gaussian_start_) {  // where the Gaussian map takes y back
    const std::int64_t square = dimension_ * dimension_, back = square + dimension_;
    begin = of_problems.matmul(
                starts_.narrow(1, back, square).view({problems, dimension_, dimension_})) +
            starts_.narrow(1, back + square, dimension_).unsqueeze(1);
  }
  prediction_ = (begin + predictor_->forward(seen)).view({problems * points, dimension_});
  const torch::NoGradGuard no_graph;
  tensor_of(x).copy_(prediction_);
}

void LayeredConditionalNetworks::backward(const DeviceArray<const float, 2>& slope,
                                          const DeviceArray<const float, 2>& point_slope,
                                          const GradientListener& listener) {
  flat_.gradients().zero_();
  torch::autograd::variable_list roots, slopes;
  if (!slope.empty()) {
    roots.push_back(weights_);
    slopes.push_back(tensor_of(slope));
  }
  if (!point_slope.empty()) {
    roots.push_back(prediction_);
    slopes.push_back(tensor_of(point_slope));
  }
  if (!roots.empty()) {
    flat_.follow_backward(listener);
    torch::autograd::backward(roots, slopes);
  }
  weights_ = weights_.defined() ? weights_.detach() : weights_;
  prediction_ = torch::Tensor();
  if (listener) listener(0);
}

void LayeredConditionalNetworks::make_convex() {
  if (!base_.convex) return;
  const torch::NoGradGuard no_graph;
  for (Layer& layer : base_.layers)
    if (layer.hidden.defined()) layer.hidden.clamp_min_(0);
}

}  // namespace otfleet
