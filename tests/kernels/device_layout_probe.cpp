#include <cstdio>

#include "kernels/self_test_captures.hpp"

// Prints the sizes and offsets of what kernels capture as the host sees them, and has a kernel that
// writes those of the device: device_layout_test.py reads them from its code. Needs no GPU.

namespace otfleet::kernels {

__global__ void otfleet_device_layout(double* layout, const Captured* captured) {
  captured->write_layout(layout);
}

}  // namespace otfleet::kernels

int main() {
  using otfleet::kernels::Captured;
  alignas(Captured) unsigned char memory[sizeof(Captured)];
  double layout[Captured::layouts];
  reinterpret_cast<const Captured*>(memory)->write_layout(layout);
  for (const double number : layout) std::printf("%g ", number);
  std::printf("\n");
}
