#include "kernels/device_array.hpp"

#include <cstdint>

#include "kernels/kokkos_compat.hpp"

namespace otfleet::device_memory {
namespace {

using Space = Kokkos::DefaultExecutionSpace;
using Memory = Space::memory_space;
using Bytes = Kokkos::View<unsigned char*, Memory>;

/// Memory that others own; Size is a View's.
template <class T, class Place>
using Foreign = Kokkos::View<T*, Place, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
using HostBytes = Foreign<unsigned char, Kokkos::HostSpace>;
using ConstHostBytes = Foreign<const unsigned char, Kokkos::HostSpace>;
using DeviceBytes = Foreign<unsigned char, Memory>;
using ConstDeviceBytes = Foreign<const unsigned char, Memory>;

template <class To, class From>
void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0 || to == from) return;
  Kokkos::deep_copy(To(static_cast<unsigned char*>(to), bytes),
                    From(static_cast<const unsigned char*>(from), bytes));
}

}  // namespace

std::shared_ptr<void> allocate(const std::string& label, std::size_t bytes, bool zeroed) {
  const auto view =
      std::make_shared<Bytes>(Kokkos::view_alloc(label, Kokkos::WithoutInitializing), bytes);
  if (zeroed && bytes > 0) Kokkos::deep_copy(*view, static_cast<unsigned char>(0));
  return {view, view->data()};
}

std::shared_ptr<void> allocate_staging(const std::string& label, std::size_t bytes) {
#ifdef KOKKOS_ENABLE_CUDA
  using Place = Kokkos::CudaHostPinnedSpace;
#else
  using Place = Kokkos::HostSpace;
#endif
  const auto view = std::make_shared<Kokkos::View<unsigned char*, Place>>(
      Kokkos::view_alloc(label, Kokkos::WithoutInitializing), bytes);
  return {view, view->data()};
}

bool is_host_memory() {
  return kernels::runs_on_host<Space>;
}

void copy_from_host(void* to, const void* from, std::size_t bytes) {
  copy<DeviceBytes, ConstHostBytes>(to, from, bytes);
}

void copy_to_host(void* to, const void* from, std::size_t bytes) {
  copy<HostBytes, ConstDeviceBytes>(to, from, bytes);
}

void copy_on_device(void* to, const void* from, std::size_t bytes) {
  copy<DeviceBytes, ConstDeviceBytes>(to, from, bytes);
}

template <class T>
void fill(T* to, std::size_t count, T value) {
  if (count > 0) Kokkos::deep_copy(Foreign<T, Memory>(to, count), value);
}

template <class To, class From>
void convert(To* to, const From* from, std::size_t count) {
  if (count > 0)
    Kokkos::deep_copy(Foreign<To, Memory>(to, count), Foreign<const From, Memory>(from, count));
}

template void fill(float*, std::size_t, float);
template void fill(double*, std::size_t, double);
template void fill(int*, std::size_t, int);
template void fill(std::int64_t*, std::size_t, std::int64_t);
template void convert(float*, const double*, std::size_t);
template void convert(double*, const float*, std::size_t);

}  // namespace otfleet::device_memory
