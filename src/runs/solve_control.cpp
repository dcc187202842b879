#include "src/runs/solve_control.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/problems/status.hpp"

namespace otfleet {
namespace {

using kernels::Status;
using std::chrono::duration;
using Seconds = duration<double>;

/// A block that is done by then is not interrupted. mpirun leaves a second in all.
constexpr Seconds grace{0.5};
/// Momentum begins anew after a save: not more often than this. A block of many problems is meant
/// to take half a second; it is saved on its way only where it turns out long, not where the
/// machine was busy for a moment, so that an unbroken run gives the same bits each time.
constexpr Seconds shortest_interval{1}, shortest_interval_of_many{10};
/// Problems that took longer are worth a file before their certificate, if they are few.
constexpr Seconds long_block{1};
constexpr std::size_t few_problems = 4;

bool is(std::int32_t status, Status wanted) {
  return status == static_cast<std::int32_t>(wanted);
}

}  // namespace

SolveControl::SolveControl(SolveStore& store, double checkpoint_seconds, Hooks hooks)
    : store_(store), checkpoint_seconds_(checkpoint_seconds), hooks_(std::move(hooks)) {}

bool SolveControl::observe(int problem, int iterations, double error) noexcept {
  const auto at = static_cast<std::size_t>(which_[static_cast<std::size_t>(problem)]);
  const auto now = Clock::now();
  hooks_.tell(problems_[at], made_[at] + iterations, error);
  if (!asked_ && hooks_.asked_to_end()) asked_ = now;
  if (asked_) return now - *asked_ < grace;
  return iterations == 0 || !leaves_a_start() || now - saved_ < interval_;
}

void SolveControl::save(const SolvedBlock& block) {
  for (std::size_t k = 0; k < made_.size(); ++k) {
    if (made_[k] == 0) continue;
    const auto values = block.potential(static_cast<std::int32_t>(k));
    store_.save_potentials(problems_[k], {0, static_cast<std::int64_t>(values.size())}, values,
                           made_[k]);
  }
  saved_ = Clock::now();
}

void SolveControl::solve(distributed::Shard rows, std::int64_t max_iterations, SolvedBlock& block,
                         std::vector<std::int32_t>& iterations, std::vector<std::int32_t>& status) {
  std::vector<std::int64_t> problems(static_cast<std::size_t>(rows.size()));
  std::iota(problems.begin(), problems.end(), rows.begin);
  solve(std::move(problems), max_iterations, block, iterations, status);
}

void SolveControl::solve(std::vector<std::int64_t> problems, std::int64_t max_iterations,
                         SolvedBlock& block, std::vector<std::int32_t>& iterations,
                         std::vector<std::int32_t>& status) {
  const std::size_t count = problems.size();
  problems_ = std::move(problems);
  made_.assign(count, 0);
  status.assign(count, static_cast<std::int32_t>(Status::ended));
  began_ = saved_ = Clock::now();
  all_saved_ = false;
  interval_ = std::max(checkpoint_seconds_,
                       count > few_problems ? shortest_interval_of_many : shortest_interval);
  for (std::size_t k = 0; k < count; ++k) {
    const std::int64_t problem = problems_[k];
    if (!store_.has_potentials(problem)) continue;
    auto values = block.potential(static_cast<std::int32_t>(k));
    made_[k] =
        store_.load_potentials(problem, {0, static_cast<std::int64_t>(values.size())}, values);
    if (made_[k] > 0) block.set_potential(static_cast<std::int32_t>(k), values);
  }
  which_.resize(count);
  std::iota(which_.begin(), which_.end(), 0);
  while (!which_.empty()) {
    std::int64_t most = 0;
    for (const std::int32_t k : which_) most = std::max(most, made_[static_cast<std::size_t>(k)]);
    const std::int64_t limit = std::max<std::int64_t>(max_iterations - most, 0);
    std::vector<std::int32_t> now_made, now_status;
    begin();
    block.run(which_, limit, *this, now_made, now_status);
    std::vector<std::int32_t> open;
    for (std::size_t s = 0; s < which_.size(); ++s) {
      const auto k = static_cast<std::size_t>(which_[s]);
      const std::int64_t left = max_iterations - made_[k];
      made_[k] += now_made[s];
      status[k] = now_status[s];
      // Others had made more: their limit was not this problem's.
      const bool may_go_on = is(status[k], Status::iteration_limit) && limit < left;
      if (is(status[k], Status::ended) || may_go_on) open.push_back(which_[s]);
    }
    which_ = std::move(open);
    if (!ended() || which_.empty()) continue;
    save(block);
    if (asked_) throw Interrupted("asked to end within a block");
  }
  iterations.assign(made_.begin(), made_.end());
  if (Clock::now() - began_ < long_block || count > few_problems) return;
  save(block);
  all_saved_ = true;
}

std::optional<EndAtOnce> SolveControl::may_end_at_once() {
  if (!all_saved_) return {};
  store_.save();
  if (hooks_.asked_to_end()) throw Interrupted("asked to end before a certificate");
  return std::make_optional<EndAtOnce>();
}

}  // namespace otfleet
