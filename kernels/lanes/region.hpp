#pragma once
#include "kernels/host_device.hpp"

namespace otfleet::kernels {

/// A box of the points of one side, from `begin` to before `end` on every axis of `length` points.
/// Always three axes, the last one fastest; missing ones lead, with one point. Rows outside a
/// region carry no weight in any lane, so that nothing needs to be computed there.
struct Region {
  int begin[3] = {0, 0, 0};
  int end[3] = {1, 1, 1};
  int length[3] = {1, 1, 1};

  /// All of so many points on one axis.
  OTFLEET_INLINE_FUNCTION static Region line(int points) {
    return {{0, 0, 0}, {1, 1, points}, {1, 1, points}};
  }
  /// Of the whole side.
  OTFLEET_INLINE_FUNCTION int points() const { return length[0] * length[1] * length[2]; }
  OTFLEET_INLINE_FUNCTION int extent(int axis) const { return end[axis] - begin[axis]; }
  /// Runs of neighboring rows: one for every pair of indices on the first two axes.
  OTFLEET_INLINE_FUNCTION int runs() const { return extent(0) * extent(1); }
  OTFLEET_INLINE_FUNCTION int run_length() const { return extent(2); }
  /// The first row of a run.
  OTFLEET_INLINE_FUNCTION int run_begin(int run) const {
    const int i = begin[0] + run / extent(1), j = begin[1] + run % extent(1);
    return (i * length[1] + j) * length[2] + begin[2];
  }
  /// The smallest region that holds both.
  OTFLEET_INLINE_FUNCTION void include(const Region& other) {
    for (int axis = 0; axis < 3; ++axis) {
      begin[axis] = other.begin[axis] < begin[axis] ? other.begin[axis] : begin[axis];
      end[axis] = other.end[axis] > end[axis] ? other.end[axis] : end[axis];
    }
  }
};

}  // namespace otfleet::kernels
