#pragma once
#include <cstdint>

#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// The order of numbers on a line, on one thread: by buckets of their place between the least and
/// the largest, then by insertion. Where that would move too much, since most lie in few buckets,
/// as a heap. Work: n, or n log n.
class LineOrder {
 public:
  static constexpr int bits = 9, buckets = 1 << bits;

  /// What sorting `count` numbers takes beside their order.
  static KOKKOS_INLINE_FUNCTION long ints(long count) { return count + 2 * buckets; }

  /// Makes order [count] the places of values [count] in ascending order; equal ones stay in
  /// theirs, but in a heap. `memory` has ints(count).
  static KOKKOS_INLINE_FUNCTION void sort(const double* values, int count, int* order,
                                          int* memory) {
    double low = values[0], high = values[0];
    for (int i = 1; i < count; ++i) {
      if (values[i] < low) low = values[i];
      if (values[i] > high) high = values[i];
    }
    for (int i = 0; i < count; ++i) order[i] = i;
    if (!(high > low)) return;
    const double scale = static_cast<double>((1 << (2 * bits)) - 1) / (high - low);
    constexpr double most = Kokkos::Experimental::finite_max<double>::value;
    if (count > few && scale <= most && high - low <= most) {
      int* const other = memory;
      int* const counts = memory + count;
      distribute(values, low, scale, 0, order, other, count, counts);
      distribute(values, low, scale, bits, other, order, count, counts);
    }
    long moves = 32l * count;
    for (int i = 1; i < count; ++i) {
      const int one = order[i];
      int at = i;
      for (; at > 0 && values[order[at - 1]] > values[one]; --at) order[at] = order[at - 1];
      order[at] = one;
      moves -= i - at;
      if (moves < 0) return sort_heap(values, count, order);
    }
  }

 private:
  static constexpr int few = 24;

  /// One pass over the buckets of some bits, which keeps the order within each.
  static KOKKOS_INLINE_FUNCTION void distribute(const double* values, double low, double scale,
                                                int shift, const int* from, int* to, int count,
                                                int* counts) {
    const auto bucket = [&](int i) {
      return (static_cast<int>((values[i] - low) * scale) >> shift) & (buckets - 1);
    };
    for (int b = 0; b < buckets; ++b) counts[b] = 0;
    for (int i = 0; i < count; ++i) ++counts[bucket(i)];
    int first = 0;
    for (int b = 0; b < buckets; ++b) {
      const int here = counts[b];
      counts[b] = first;
      first += here;
    }
    for (int i = 0; i < count; ++i) to[counts[bucket(from[i])]++] = from[i];
  }

  static KOKKOS_INLINE_FUNCTION void sink(const double* values, int* order, int root, int count) {
    while (true) {
      int child = 2 * root + 1;
      if (child >= count) return;
      if (child + 1 < count && values[order[child + 1]] > values[order[child]]) ++child;
      if (!(values[order[child]] > values[order[root]])) return;
      swap(order, root, child);
      root = child;
    }
  }
  static KOKKOS_INLINE_FUNCTION void swap(int* order, int i, int j) {
    const int one = order[i];
    order[i] = order[j];
    order[j] = one;
  }
  static KOKKOS_INLINE_FUNCTION void sort_heap(const double* values, int count, int* order) {
    for (int root = count / 2 - 1; root >= 0; --root) sink(values, order, root, count);
    for (int last = count - 1; last > 0; --last) {
      swap(order, 0, last);
      sink(values, order, 0, last);
    }
  }
};

}  // namespace otfleet::kernels
