#pragma once
#include <vector>

#include "kernels/device_array.hpp"

namespace otfleet {

/// Appends the values of an array on the device, row-major.
template <class Value, class Element, int rank>
void append(std::vector<Value>& to, const DeviceArray<Element, rank>& from) {
  const auto host = from.host();
  to.insert(to.end(), host.begin(), host.end());
}

}  // namespace otfleet
