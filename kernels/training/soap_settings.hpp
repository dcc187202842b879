#pragma once
#include <cstddef>

namespace otfleet::kernels {

/// A tensor of a flat array of parameters that is a matrix [rows, columns], row-major.
struct MatrixPlace {
  std::size_t offset = 0;
  int rows = 0, columns = 0;
};

struct SoapSettings {
  double factor_decay = 0.95;  ///< of the running means
  long basis_every = 10;       ///< steps
  long warm_up = 100;          ///< steps
};

}  // namespace otfleet::kernels
