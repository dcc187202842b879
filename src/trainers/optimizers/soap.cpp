#include <algorithm>

#include "kernels/api/optimizer.hpp"
#include "src/trainers/optimizers/optimizer.hpp"

namespace otfleet {
namespace {

/// Sides longer than this have no basis: it would cost more than the gradient.
constexpr std::int64_t longest_side = 1024;

/// Tensors with two sides of more than one number.
std::vector<kernels::MatrixPlace> matrices_of(const std::vector<ParameterEntry>& entries) {
  std::vector<kernels::MatrixPlace> matrices;
  for (const ParameterEntry& entry : entries) {
    if (entry.shape.size() != 2) continue;
    const std::int64_t rows = entry.shape[0], columns = entry.shape[1];
    if (std::min(rows, columns) > 1 && std::max(rows, columns) <= longest_side)
      matrices.push_back({static_cast<std::size_t>(entry.offset), static_cast<int>(rows),
                          static_cast<int>(columns)});
  }
  return matrices;
}

class Soap final : public Optimizer {
 public:
  Soap(const OptimizerSettings& settings, std::size_t parameters,
       const std::vector<ParameterEntry>& entries)
      : settings_(settings),
        parameters_(parameters),
        soap_(kernels::SoapSettings(), matrices_of(entries), parameters) {}

  std::vector<StateArray> fresh_state() const override {
    return {fresh_array("first_moment", parameters_), fresh_array("second_moment", parameters_),
            fresh_array("factors", soap_.factor_size()), fresh_array("bases", soap_.factor_size())};
  }

  void step(double rate, long step, const DeviceArray<const double>& squared_norm,
            const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
            const std::vector<StateArray>& state) override {
    kernels::AdamSettings adam = settings_.adam;
    adam.learning_rate = rate;
    soap_.step(adam, step, settings_.clip, squared_norm, gradient, parameters, state[0].values,
               state[1].values, state[2].values, state[3].values);
  }

 private:
  OptimizerSettings settings_;
  std::size_t parameters_;
  kernels::SoapOptimizer soap_;
};

}  // namespace

std::unique_ptr<Optimizer> make_soap(const OptimizerSettings& settings, std::size_t parameters,
                                     const std::vector<ParameterEntry>& entries) {
  return std::make_unique<Soap>(settings, parameters, entries);
}

}  // namespace otfleet
