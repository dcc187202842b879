#pragma once
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/solvers/iteration_observer.hpp"

namespace otfleet::kernels {

/// Hands on what an observer of transports sees as what one of problems would. Transports have a
/// moment to finish once the batch is ended: between two moves all that a problem goes on from is
/// in its points and potentials, so that it then goes on as if nothing had happened.
class TransportObserver final : public IterationObserver {
 public:
  explicit TransportObserver(IterationObserver* problems) : problems_(problems) {}

  /// Transport t is of the problem number place[t] of the call.
  void watch(std::vector<int> place, const std::vector<int>& moves,
             const std::vector<double>& residual) {
    place_ = std::move(place);
    moves_ = &moves;
    residual_ = &residual;
    begin();
  }

 private:
  bool observe(int transport, int, double) noexcept override {
    const int place = place_[static_cast<std::size_t>(transport)];
    const auto p = static_cast<std::size_t>(place);
    if (!problems_->ended() && problems_->goes_on(place, (*moves_)[p], (*residual_)[p]))
      return true;
    const auto now = Clock::now();
    if (!ended_at_) ended_at_ = now;
    return now - *ended_at_ < std::chrono::milliseconds(200);
  }

  using Clock = std::chrono::steady_clock;

  IterationObserver* problems_;
  std::optional<Clock::time_point> ended_at_;
  std::vector<int> place_;
  const std::vector<int>* moves_ = nullptr;
  const std::vector<double>* residual_ = nullptr;
};

}  // namespace otfleet::kernels
