#pragma once
#include <string>
#include <vector>

// Do kernels compute on this machine what their sources say? A toolchain can be broken so that
// everything compiles and reads garbage: with nvcc 13 the Views of some versions of Kokkos 4 have
// another size on the device than on the host, and whatever a kernel captures after one is shifted.

namespace otfleet::kernels {

/// What one check found: the same numbers from the host and from the device.
struct SelfCheck {
  std::string name;  ///< what was computed
  std::vector<double> host, device;
  double tolerance;    ///< relative to the host's; 0: the same number
  std::string advice;  ///< what to do where they differ
};

/// Computes all of them on Kokkos' default space and on the host: sizes and offsets of what kernels
/// capture, numbers that were captured, a sum, a prefix sum, teams with scratch memory, and one
/// problem on a grid, solved and certified. Some milliseconds, and less than a mebibyte. Local.
/// Throws what Kokkos throws where a kernel fails.
std::vector<SelfCheck> self_checks();

/// What differs, with the advice, as one line; empty where nothing does. NaN differs from all.
std::string self_check_fault(const SelfCheck& check);

/// The first fault of self_checks(), or what they threw; empty: there is none. Local.
std::string self_test_fault();

}  // namespace otfleet::kernels
