#pragma once
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>

namespace otfleet::kernels {

/// The holders of clouds that are spread over several memories, each with some of the points of
/// both sides, as one of them sees them all. How numbers get from one to the other is the
/// caller's business. Every call is collective: all holders make the same ones, in the same order.
class CloudPeers {
 public:
  using Fill = std::function<void(std::byte*)>;
  using Visit = std::function<void(const std::byte*, std::size_t)>;

  virtual ~CloudPeers() = default;

  /// Element by element over all holders, in place. All get the same bits: they steer by them.
  virtual void sum(std::span<double> values) = 0;
  virtual void max(std::span<double> values) = 0;

  /// Shows every holder the messages of all: calls fill(message) for `bytes` bytes of host memory,
  /// aligned to 64, then visit(message, bytes) once for every holder, in any order. A message is
  /// gone when visit returns. Lengths may differ, and be 0.
  virtual void pass_around(std::size_t bytes, const Fill& fill, const Visit& visit) = 0;
};

/// Over all holders; null: there are no others.
inline double all_sum(CloudPeers* peers, double value) {
  if (peers) peers->sum({&value, 1});
  return value;
}
inline double all_max(CloudPeers* peers, double value) {
  if (!peers) return value;
  // What the largest of a NaN and a number is depends on who comes first.
  if (std::isnan(value)) value = std::numeric_limits<double>::infinity();
  peers->max({&value, 1});
  return value;
}

}  // namespace otfleet::kernels
