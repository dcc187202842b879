#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/huge_pages.hpp"
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// Memory for the arrays of one problem after the other. It grows to what the largest problem
/// takes; after that no problem allocates, which for clouds of a few dozen points would take as
/// long as an iteration.
template <class ExecutionSpace>
class CloudArena {
 public:
  /// [length], not initialized; gone at the next clear().
  template <class Value>
  Vector<Value, ExecutionSpace> take(std::size_t length) {
    const std::size_t bytes = (length * sizeof(Value) + alignment - 1) / alignment * alignment;
    if (blocks_.empty() || used_ + bytes > blocks_.back().extent(0)) {
      add_block(std::max(bytes, smallest_block));
      used_ = 0;
    }
    auto* const at = reinterpret_cast<Value*>(blocks_.back().data() + used_);
    used_ += bytes;
    return Vector<Value, ExecutionSpace>(at, length);
  }

  /// The same with one value everywhere.
  template <class Value>
  Vector<Value, ExecutionSpace> take_filled(const ExecutionSpace& space, std::size_t length,
                                            Value value) {
    const Vector<Value, ExecutionSpace> array = take<Value>(length);
    Kokkos::parallel_for(
        "otfleet::clouds::fill", Kokkos::RangePolicy<ExecutionSpace>(space, 0, length),
        KOKKOS_LAMBDA(std::size_t i) { array(i) = value; });
    return array;
  }

  /// Whatever was taken may be given out again. Work already launched on it comes first, in order.
  void clear() {
    if (blocks_.size() > 1) {
      std::size_t total = 0;
      for (const auto& block : blocks_) total += block.extent(0);
      blocks_.clear();
      add_block(total);
    }
    used_ = 0;
  }

 private:
  static constexpr std::size_t alignment = 128, smallest_block = std::size_t{1} << 16;

  void add_block(std::size_t bytes) {
    blocks_.emplace_back(Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::arena"),
                         bytes);
    if constexpr (runs_on_host<ExecutionSpace>) use_huge_pages(blocks_.back().data(), bytes);
  }

  std::vector<Vector<char, ExecutionSpace>> blocks_;  ///< the last one is in use
  std::size_t used_ = 0;
};

}  // namespace otfleet::kernels
