#include "src/reports/convergence.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/minimize/settings.hpp"
#include "kernels/problems/status.hpp"
#include "src/families/conditional_map/methods/map_method_facts.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/method_choice.hpp"

namespace otfleet {
namespace {

using kernels::ConjugateStatus;
using kernels::Status;

std::string joined(const std::vector<std::string>& parts, const char* before_last) {
  std::string text;
  for (std::size_t k = 0; k < parts.size(); ++k)
    text += (k == 0 ? "" : k + 1 < parts.size() ? ", " : before_last) + parts[k];
  return text;
}

/// What happened, as counted, and what to try for it; both without the counts that are zero.
struct Complaint {
  std::vector<std::string> causes, remedies;

  void add(std::int64_t count, const std::string& cause, const std::vector<std::string>& remedy) {
    if (count == 0) return;
    causes.push_back(fmt::format("{} {}", count, cause));
    for (const auto& one : remedy)
      if (std::find(remedies.begin(), remedies.end(), one) == remedies.end())
        remedies.push_back(one);
  }

  std::string line(const StatusCounts& counts, const char* what) const {
    return fmt::format("{} of {} {} did not converge ({}); try {}", counts.failed(), counts.total(),
                       what, joined(causes, ", "), joined(remedies, " or "));
  }
};

}  // namespace

void StatusCounts::add(std::int32_t status, std::int64_t count) {
  const auto last = static_cast<std::int32_t>(counts_.size()) - 1;
  counts_[static_cast<std::size_t>(std::clamp(status, 0, last))] += count;
}

void StatusCounts::add(std::span<const std::int32_t> statuses) {
  for (const std::int32_t status : statuses) add(status);
}

void StatusCounts::reduce(const distributed::Communicator& communicator) {
  communicator.all_reduce(std::span<std::int64_t>(counts_), distributed::Reduction::sum);
}

std::int64_t StatusCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

std::string convergence_complaint(const StatusCounts& counts, const Job& job) {
  if (counts.failed() == 0) return {};
  const auto& solver = job.solver;
  const auto of = [&](Status status) { return counts[static_cast<int>(status)]; };
  const std::string threshold =
      fmt::format("a larger solver.threshold (now {:g})", solver.threshold);
  const std::string epsilon =
      fmt::format("a larger problem.epsilon (now {:g})", job.problem.epsilon);
  std::vector<std::string> more = {
      fmt::format("more iterations (solver.max_iterations, now {})", solver.max_iterations)};
  const Method* method = method_named(solver.method);
  if (job.problem.balanced() && method != nullptr && method->auto_may_be_quicker())
    more.emplace_back("solver.method=auto");
  if (job.problem.balanced() && solver.acceleration == Acceleration::none)
    more.emplace_back("solver.acceleration=momentum");
  more.insert(more.end(), {epsilon, threshold});
  std::vector<std::string> finer;
  if (solver.precision == Precision::in_float) finer.emplace_back("solver.precision=double");
  finer.insert(finer.end(), {threshold, epsilon});
  Complaint complaint;
  complaint.add(of(Status::iteration_limit), "reached the limit of iterations", more);
  complaint.add(of(Status::precision_limit), "got as far as the arithmetic goes", finer);
  complaint.add(of(Status::not_finite), "broke down in NaN or infinity",
                initializer_named(solver.initializer).is_zero()
                    ? std::vector<std::string>{epsilon}
                    : std::vector<std::string>{"solver.initializer=zeros", epsilon});
  return complaint.line(counts, "problems");
}

std::string free_support_complaint(const StatusCounts& counts, const Job& job) {
  if (counts.failed() == 0) return {};
  const auto& barycenter = job.barycenter;
  const auto of = [&](Status status) { return counts[static_cast<int>(status)]; };
  const std::string epsilon =
      fmt::format("a larger problem.epsilon (now {:g})", job.problem.epsilon);
  const std::string threshold =
      fmt::format("a larger solver.threshold (now {:g})", job.solver.threshold);
  Complaint complaint;
  complaint.add(
      of(Status::iteration_limit), "reached the limit of moves, or of iterations for one",
      {fmt::format("more moves (barycenter.max_moves, now {})", barycenter.max_moves),
       fmt::format("a larger barycenter.point_threshold (now {:g})", barycenter.point_threshold),
       fmt::format("more iterations (solver.max_iterations, now {})", job.solver.max_iterations),
       epsilon});
  complaint.add(of(Status::precision_limit), "got as far as the arithmetic goes",
                {threshold, epsilon});
  complaint.add(of(Status::not_finite), "broke down in NaN or infinity", {epsilon});
  return complaint.line(counts, "problems");
}

std::string map_complaint(const StatusCounts& counts, const Job& job, const std::string& items) {
  if (counts.failed() == 0) return {};
  const auto of = [&](ConjugateStatus status) { return counts[static_cast<int>(status)]; };
  const std::string tolerance =
      fmt::format("a larger conjugate.tolerance (now {:g})", job.conjugate.tolerance);
  const std::string training = "a longer training";
  Complaint complaint;
  if (job.problem.kind == ProblemKind::conditional_map && map_method_of(job).solves) {
    complaint.add(
        of(ConjugateStatus::step_limit), "have a plan that did not converge",
        {fmt::format("more iterations (solver.max_iterations, now {})", job.solver.max_iterations),
         "a larger epsilon"});
    return complaint.line(counts, items.c_str());
  }
  complaint.add(of(ConjugateStatus::step_limit), "reached the limit of steps",
                {fmt::format("more steps (conjugate.max_steps, now {})", job.conjugate.max_steps),
                 tolerance});
  complaint.add(of(ConjugateStatus::stalled), "got as far as the arithmetic goes", {tolerance});
  complaint.add(of(ConjugateStatus::unbounded), "ran away without a minimum", {training});
  complaint.add(of(ConjugateStatus::not_finite), "broke down in NaN or infinity", {training});
  return complaint.line(counts, items.c_str());
}

void report_convergence(const std::string& complaint, bool strict) {
  if (complaint.empty()) return;
  if (strict) throw NotConverged(complaint);
  spdlog::warn("{}", complaint);
}

}  // namespace otfleet
