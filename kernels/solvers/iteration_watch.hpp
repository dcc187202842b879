#pragma once
#include <functional>

namespace otfleet::kernels {

/// Looks on while a problem is solved: called with the iterations made when another one is about to
/// begin. store() puts the potential as it is into the problem's row of f. False ends the problem
/// there, as max_iterations would.
using IterationWatch = std::function<bool(int iterations, const std::function<void()>& store)>;

}  // namespace otfleet::kernels
