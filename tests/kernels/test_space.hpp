#pragma once
#include <Kokkos_Core.hpp>

namespace otfleet::kernels {

/// The space that this test is built for: every test is built for every space of
/// kernels/spaces.hpp.
using Space = OTFLEET_TEST_SPACE;

}  // namespace otfleet::kernels
