#pragma once
#include <type_traits>
#include <vector>

#include "kernels/device_array.hpp"

namespace otfleet {

// Both append values, of an array row after row.

template <class Value, class T, int rank>
void append(std::vector<Value>& values, const DeviceArray<T, rank>& array) {
  const auto host = array.host();
  values.insert(values.end(), host.begin(), host.end());
}

template <class Value>
void append(std::vector<Value>& values, const std::vector<Value>& more) {
  values.insert(values.end(), more.begin(), more.end());
}

}  // namespace otfleet
