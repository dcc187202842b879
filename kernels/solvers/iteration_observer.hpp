#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>

namespace otfleet::kernels {

/// Observes a batch, on the host, while it is solved, and may end it; the settings of every solver
/// name one. Solvers tell it how far one of their problems is once an iteration. In a launch on a
/// GPU that solves many problems at once it is not asked.
class IterationObserver {
 public:
  virtual ~IterationObserver() = default;
  IterationObserver() = default;
  IterationObserver(const IterationObserver&) = delete;
  IterationObserver& operator=(const IterationObserver&) = delete;

  /// Called by solvers, from any thread. False: every problem of the batch that is not done is to
  /// end as Status::ended, its potential where it stands.
  bool goes_on(int problem, int iterations, double error) noexcept {
    if (waiting_.fetch_sub(1, std::memory_order_relaxed) > 0) return !ended();
    if (!busy_.test_and_set(std::memory_order_acquire)) {
      observe_if_due(problem, iterations, error);
      busy_.clear(std::memory_order_release);
    }
    return !ended();
  }

  bool ended() const noexcept { return ended_.load(std::memory_order_relaxed); }

  /// Whether ending now would leave a potential to go on from: Newton's method anneals, and is not
  /// interrupted only to save.
  bool leaves_a_start() const noexcept { return leaves_a_start_; }
  void set_leaves_a_start(bool value) noexcept { leaves_a_start_ = value; }

  /// Another batch is about to be solved.
  void begin() noexcept {
    ended_ = false;
    waiting_ = skipped_ = 0;
  }

 protected:
  /// Called about every 20 ms, or as often as there are iterations, by one thread at a time. False
  /// ends the batch.
  virtual bool observe(int problem, int iterations, double error) noexcept = 0;

 private:
  using Clock = std::chrono::steady_clock;

  void observe_if_due(int problem, int iterations, double error) noexcept {
    constexpr auto interval = std::chrono::milliseconds(20);
    constexpr int most_skipped = 64;  // so many of the slowest iterations are not waited for
    const auto now = Clock::now();
    const bool due = now - observed_ >= interval;
    skipped_ = due ? 0 : std::min(2 * skipped_ + 1, most_skipped);
    waiting_.store(skipped_, std::memory_order_relaxed);
    if (!due) return;
    observed_ = now;
    if (!observe(problem, iterations, error)) ended_ = true;
  }

  std::atomic<bool> ended_ = false;
  std::atomic<int> waiting_ = 0;
  std::atomic_flag busy_;
  int skipped_ = 0;
  bool leaves_a_start_ = true;
  Clock::time_point observed_{};
};

/// Looks on while a problem is solved: called with the iterations made when another one is about to
/// begin. store() puts the potential as it is into the problem's row of f, and of g where the
/// solver returns it. False ends the problem there, as max_iterations would.
using IterationWatch = std::function<bool(int iterations, const std::function<void()>& store)>;

}  // namespace otfleet::kernels
