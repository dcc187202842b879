#pragma once
#include <chrono>

namespace otfleet {

using WallClock = std::chrono::steady_clock;

inline double seconds_since(WallClock::time_point begin) {
  return std::chrono::duration<double>(WallClock::now() - begin).count();
}

/// Adds the wall seconds of its life to a sum.
class StopWatch {
 public:
  explicit StopWatch(double& seconds) : seconds_(seconds), begin_(WallClock::now()) {}
  ~StopWatch() { seconds_ += seconds_since(begin_); }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  double& seconds_;
  WallClock::time_point begin_;
};

/// Splits time into phases that follow each other.
class LapWatch {
 public:
  /// Adds the wall seconds since the last lap, or since construction.
  void lap(double& seconds) {
    const auto now = WallClock::now();
    seconds += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  WallClock::time_point last_ = WallClock::now();
};

}  // namespace otfleet
