#pragma once
#include <type_traits>
#include <vector>

#include "kernels/device_array.hpp"

namespace otfleet {

/// Appends the values of an array, row after row.
template <class Value, class T, int rank>
void append(std::vector<Value>& values, const DeviceArray<T, rank>& array) {
  const auto host = array.host();
  values.insert(values.end(), host.begin(), host.end());
}

}  // namespace otfleet
