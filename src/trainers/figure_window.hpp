#pragma once
#include <cstdint>
#include <vector>

#include "kernels/device_array.hpp"

namespace otfleet {

/// Figures of the steps since they were last read, a row a step. They stay on the device, so that a
/// step need not wait for what it has found. Local.
class FigureWindow {
 public:
  explicit FigureWindow(std::size_t columns);

  /// The row of the next step, all zeros: kernels write into it. Waits when 1,024 rows are full.
  DeviceArray<double> next_row();

  /// The rows since the last call, one after the other. Waits for the steps.
  std::vector<double> take();

 private:
  void read();

  DeviceArray<double, 2> rows_;
  std::size_t used_ = 0;
  std::vector<double> read_;  ///< what no longer had room
};

}  // namespace otfleet
