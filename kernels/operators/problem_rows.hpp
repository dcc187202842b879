#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// An array with a row for every problem, on the points of one side: [B, n · per_point], or rows of
/// their own lengths one after the other.
template <class Value>
struct ProblemRows {
  Value* data = nullptr;
  std::int64_t stride = 0;              ///< between rows of one length
  const std::int64_t* begin = nullptr;  ///< host, [B + 1]: where rows begin, in points
  int per_point = 1;

  Value* row(int k) const { return data + (begin ? begin[k] * per_point : k * stride); }
};

template <class Array>
auto rows_of_matrix(const Array& array) {
  using Value = typename Array::value_type;
  return ProblemRows<Value>{array.data(), static_cast<std::int64_t>(array.stride(0))};
}

/// Throws std::invalid_argument unless `array` has an entry for everything that offsets count.
template <class Array>
auto flat_rows(const std::string& name, const Array& array,
               const std::vector<std::int64_t>& offsets, int per_point = 1) {
  using Value = typename Array::value_type;
  const std::int64_t expected = offsets.back() * per_point;
  if (static_cast<std::int64_t>(array.extent(0)) != expected)
    throw std::invalid_argument(name + " has " + std::to_string(array.extent(0)) +
                                " entries, expected " + std::to_string(expected));
  return ProblemRows<Value>{array.data(), 0, offsets.data(), per_point};
}

}  // namespace otfleet::kernels
