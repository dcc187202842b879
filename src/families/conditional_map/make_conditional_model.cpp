#include "src/families/conditional_map/conditional_potential.hpp"
#include "src/families/conditional_map/velocity_model.hpp"
#include "src/models/architectures.hpp"

namespace otfleet {

std::unique_ptr<ConditionalModel> make_conditional_model(const ConditionalDescription& description,
                                                         std::int64_t seed) {
  const auto* architecture = find_architecture(description.architecture.architecture);
  if (architecture != nullptr && architecture->uses.velocities)
    return std::make_unique<VelocityModel>(description, seed);
  return std::make_unique<ConditionalPotential>(description, seed);
}

}  // namespace otfleet
