#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet {

/// Where the program computes and holds its arrays.
using ExecutionSpace = Kokkos::DefaultExecutionSpace;
using kernels::Matrix;
using kernels::Vector;

}  // namespace otfleet
