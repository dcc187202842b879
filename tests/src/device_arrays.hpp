#pragma once
#include <vector>

#include "src/models/potential_model.hpp"

namespace otfleet::testing {

/// A [rows, columns] array where the models run, with these values.
inline Matrix<double, ExecutionSpace> upload(const std::vector<double>& values, std::size_t rows) {
  const std::size_t columns = rows > 0 ? values.size() / rows : 0;
  const Matrix<double, ExecutionSpace> device("otfleet::test::matrix", rows, columns);
  const auto host = Kokkos::create_mirror_view(device);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(device, host);
  return device;
}

/// The values of any contiguous view.
template <class Array>
auto download(const Array& device) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device);
  using Value = typename Array::non_const_value_type;
  return std::vector<Value>(host.data(), host.data() + host.size());
}

/// Overwrites one parameter.
inline void set_parameter(TrainedModel& model, std::int64_t at, float value) {
  const auto parameters = model.parameters();
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), parameters);
  host(static_cast<std::size_t>(at)) = value;
  Kokkos::deep_copy(parameters, host);
}

}  // namespace otfleet::testing
