#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// The `room` entries of a row with the largest values, of equal ones those with the smaller
/// columns, out of a stream of entries with ascending columns. They are chosen in the arrays that
/// they end in: a heap whose first entry is the next one to be given up. Work: log(room) an entry.
class BestEntries {
 public:
  /// columns and values [room].
  KOKKOS_INLINE_FUNCTION BestEntries(int* columns, double* values, int room)
      : columns_(columns), values_(values), room_(room) {}

  KOKKOS_INLINE_FUNCTION void offer(int column, double value) {
    if (room_ == 0) return;
    const auto is_worse = [this](int i, int j) {
      return values_[i] < values_[j] || (values_[i] == values_[j] && columns_[i] > columns_[j]);
    };
    if (count_ < room_) {
      columns_[count_] = column;
      values_[count_++] = value;
      return;
    }
    if (!is_heap_) make_heap(is_worse);
    is_heap_ = true;
    // Of equal values the one that came first has the smaller column.
    if (!(value > values_[0])) return;
    columns_[0] = column;
    values_[0] = value;
    sift_down(0, room_, is_worse);
  }

  /// Columns ascend from here on.
  KOKKOS_INLINE_FUNCTION void finish() {
    if (!is_heap_) return;
    const auto is_later = [this](int i, int j) { return columns_[i] > columns_[j]; };
    make_heap(is_later);
    for (int last = room_ - 1; last > 0; --last) {
      swap(0, last);
      sift_down(0, last, is_later);
    }
  }

 private:
  KOKKOS_INLINE_FUNCTION void swap(int i, int j) {
    const int column = columns_[i];
    const double value = values_[i];
    columns_[i] = columns_[j];
    values_[i] = values_[j];
    columns_[j] = column;
    values_[j] = value;
  }
  template <class Before>
  KOKKOS_INLINE_FUNCTION void make_heap(const Before& before) {
    for (int at = room_ / 2 - 1; at >= 0; --at) sift_down(at, room_, before);
  }
  template <class Before>
  KOKKOS_INLINE_FUNCTION void sift_down(int at, int size, const Before& before) {
    for (int child = 2 * at + 1; child < size; at = child, child = 2 * at + 1) {
      if (child + 1 < size && before(child + 1, child)) ++child;
      if (!before(child, at)) return;
      swap(child, at);
    }
  }

  int* columns_;
  double* values_;
  int room_, count_ = 0;
  bool is_heap_ = false;
};

}  // namespace otfleet::kernels
