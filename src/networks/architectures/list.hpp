#pragma once
#include <tuple>

#include "src/networks/architectures/icnn.hpp"
#include "src/networks/architectures/mlp.hpp"
#include "src/networks/architectures/pair_encoder.hpp"
#include "src/networks/architectures/pair_product.hpp"
#include "src/networks/architectures/velocity.hpp"

namespace otfleet {

/// All architectures, in the order of messages and documentation. A new one is a header and a
/// source of this folder and its name here: what it is called, says and refuses is without
/// LibTorch, as jobs know it; the functions that make networks are defined in the source, which has
/// LibTorch.
using Architectures = std::tuple<Mlp, PairEncoder, PairProduct, Icnn, Velocity>;

}  // namespace otfleet
