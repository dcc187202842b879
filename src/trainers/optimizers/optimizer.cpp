#include "src/trainers/optimizers/optimizer.hpp"

#include <stdexcept>

namespace otfleet {

std::unique_ptr<Optimizer> make_optimizer(const OptimizerSettings& settings,
                                          const std::vector<ParameterEntry>& entries) {
  std::size_t parameters = 0;
  for (const auto& entry : entries) parameters += static_cast<std::size_t>(entry.size);
  switch (settings.method) {
    case OptimizerMethod::adam:
      return make_adam(settings, parameters);
    case OptimizerMethod::soap:
      return make_soap(settings, parameters, entries);
  }
  throw std::logic_error("no such optimizer");
}

StateArray fresh_array(const std::string& name, std::size_t size) {
  return {name, DeviceArray<float>("otfleet::training::" + name, size)};
}

}  // namespace otfleet
