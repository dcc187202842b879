#pragma once
#include <vector>

#include "src/models/trained_model.hpp"

namespace otfleet::testing {

/// A [rows, columns] array with these values.
inline DeviceArray<double, 2> upload(const std::vector<double>& values, std::size_t rows) {
  return otfleet::upload<double>("otfleet::test::matrix", values, rows,
                                 rows > 0 ? values.size() / rows : 0);
}

/// Overwrites one parameter.
inline void set_parameter(TrainedModel& model, std::int64_t at, float value) {
  const auto parameters = model.parameters();
  auto values = parameters.download();
  values[static_cast<std::size_t>(at)] = value;
  parameters.upload(values);
}

}  // namespace otfleet::testing
