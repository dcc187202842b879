#include "src/reports/evaluation_table.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "src/families/linear/initializers.hpp"

namespace otfleet {
namespace {

using Rows = std::vector<EvaluationRow>;

/// The rows of one threshold; rows come grouped.
std::vector<Rows> by_threshold(const Rows& rows) {
  std::vector<Rows> groups;
  for (const auto& row : rows) {
    if (groups.empty() || groups.back().front().threshold != row.threshold) groups.emplace_back();
    groups.back().push_back(row);
  }
  return groups;
}

/// How the model compares with the best of the others, each measure against its own best.
struct Verdict {
  bool known = false;
  double iterations_ratio = 0, time_ratio = 0;
  std::string fewest, fastest;
};

Verdict compare(const Rows& group) {
  const EvaluationRow* model = nullptr;
  const EvaluationRow *fewest = nullptr, *fastest = nullptr;
  for (const auto& row : group) {
    if (initializer_named(row.initializer).needs_model()) {
      model = &row;
      continue;
    }
    if (fewest == nullptr || row.iterations.mean < fewest->iterations.mean) fewest = &row;
    if (fastest == nullptr || row.milliseconds < fastest->milliseconds) fastest = &row;
  }
  if (model == nullptr || fewest == nullptr) return {};
  return {true, fewest->iterations.mean > 0 ? model->iterations.mean / fewest->iterations.mean : 1,
          fastest->milliseconds > 0 ? model->milliseconds / fastest->milliseconds : 1,
          fewest->initializer, fastest->initializer};
}

nlohmann::json summary_json(const IterationSummary& summary) {
  return {{"mean", summary.mean}, {"p50", summary.p50}, {"p90", summary.p90}, {"p99", summary.p99}};
}

}  // namespace

nlohmann::json thresholds_json(const Rows& rows) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& group : by_threshold(rows)) {
    nlohmann::json entry = {{"threshold", group.front().threshold}};
    for (const auto& row : group)
      entry["initializers"][row.initializer] = {
          {"iterations", summary_json(row.iterations)},
          {"solver_iterations", summary_json(row.solver_iterations)},
          {"milliseconds_per_instance", row.milliseconds},
          {"predict_milliseconds_per_instance", row.predict_milliseconds},
          {"initial_marginal_error", row.initial_error},
          {"converged", row.converged},
          {"newton", row.newton},
          {"replaced_starts", row.replaced_starts}};
    entry["method"] = {{"chosen", group.front().method}, {"reason", group.front().reason}};
    const Verdict verdict = compare(group);
    if (verdict.known)
      entry["model_against_best"] = {{"iterations_ratio", verdict.iterations_ratio},
                                     {"time_ratio", verdict.time_ratio},
                                     {"fewest_iterations", verdict.fewest},
                                     {"fastest", verdict.fastest},
                                     {"pays", verdict.time_ratio < 1}};
    list.push_back(std::move(entry));
  }
  return list;
}

std::string evaluation_table(const Rows& rows, std::int64_t problems, const Job& job, int ranks) {
  std::string text = fmt::format(
      "{} held-out problems, epsilon = {:g}, {} precision, error looked at every {} iteration(s), "
      "{} rank(s)\n"
      "threshold  start             first error   Sinkhorn iterations: mean   p50   p90   p99   "
      "solver's   "
      "ms/problem  of which start  converged\n",
      problems, job.problem.epsilon, word_of(job.solver.precision), job.solver.inner_iterations,
      ranks);
  for (const auto& group : by_threshold(rows)) {
    text += fmt::format("{:<9.0e}  {}: {}\n", group.front().threshold, group.front().method,
                        group.front().reason);
    for (const auto& row : group)
      text += fmt::format(
          "           {:<16}  {:>11.3g}   {:>25.1f} {:>5.0f} {:>5.0f} {:>5.0f} {:>10.1f}   "
          "{:>10.4f}"
          "  {:>14.4f}  {:>9}\n",
          row.initializer, row.initial_error, row.iterations.mean, row.iterations.p50,
          row.iterations.p90, row.iterations.p99, row.solver_iterations.mean, row.milliseconds,
          row.predict_milliseconds, row.converged);
    const Verdict verdict = compare(group);
    if (verdict.known)
      text += fmt::format(
          "           model: {:.2f} of the iterations of {}, {:.2f} of the time of {}: {}\n",
          verdict.iterations_ratio, verdict.fewest, verdict.time_ratio, verdict.fastest,
          verdict.time_ratio < 1 ? "pays" : "does not pay");
  }
  return text;
}

}  // namespace otfleet
