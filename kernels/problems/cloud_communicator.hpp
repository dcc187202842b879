#pragma once
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>

namespace otfleet::kernels {

/// Ranks that hold one problem together, each with some of the points of both sides, as one of them
/// sees them all. How numbers get from one to the other is the caller's business. Every call is
/// collective: all ranks make the same ones, in the same order.
class CloudCommunicator {
 public:
  using Fill = std::function<void(std::byte*)>;
  using Visit = std::function<void(const std::byte*, std::size_t)>;

  virtual ~CloudCommunicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Element by element over all ranks, in place. All get the same bits: they decide by them.
  virtual void sum(std::span<double> values) = 0;
  virtual void max(std::span<double> values) = 0;

  /// Every rank sees the messages of all: calls fill(message) for `bytes` bytes of host memory,
  /// aligned to 64, then visit(message, bytes) once for every rank, in any order. A message is
  /// gone when visit returns. Lengths may differ, and be 0.
  virtual void exchange(std::size_t bytes, const Fill& fill, const Visit& visit) = 0;
};

/// Over all ranks; null: there are no others.
inline double all_sum(CloudCommunicator* communicator, double value) {
  if (communicator) communicator->sum({&value, 1});
  return value;
}
inline double all_max(CloudCommunicator* communicator, double value) {
  if (!communicator) return value;
  // What the largest of a NaN and a number is depends on who comes first.
  if (std::isnan(value)) value = std::numeric_limits<double>::infinity();
  communicator->max({&value, 1});
  return value;
}

}  // namespace otfleet::kernels
