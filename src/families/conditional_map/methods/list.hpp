#pragma once
#include <tuple>

#include "src/families/conditional_map/methods/entropic_maps.hpp"
#include "src/families/conditional_map/methods/gaussian_maps.hpp"
#include "src/families/conditional_map/methods/model_maps.hpp"
#include "src/families/conditional_map/methods/progressive_maps.hpp"
#include "src/families/conditional_map/methods/sliced_maps.hpp"

namespace otfleet {

/// All ways to make conditional maps, in the order of messages and documentation. A new one is a
/// header and a source of this folder and its name here.
using MapMethods = std::tuple<ModelMapsEntry, GaussianMapsEntry, EntropicMapsEntry,
                              ProgressiveMapsEntry, SlicedMapsEntry>;

}  // namespace otfleet
