#include "src/reports/page/outcome.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "src/reports/page/html.hpp"
#include "src/reports/page/json_values.hpp"
#include "src/reports/sizes_text.hpp"

namespace otfleet::page {
namespace {

using Mood = Outcome::Mood;

std::string joined(const std::vector<std::string>& parts, const char* between,
                   const char* before_last) {
  std::string text;
  for (std::size_t k = 0; k < parts.size(); ++k)
    text += (k == 0 ? "" : k + 1 < parts.size() ? between : before_last) + parts[k];
  return text;
}

std::string items_of(const nlohmann::json& report) {
  const auto kind = text_at(report, {"configuration", "problem", "kind"});
  return kind == "neural_dual"    ? "points"
         : kind == "barycenter"   ? "barycenters"
         : kind == "least_action" ? "paths"
                                  : "problems";
}

Outcome solved(const nlohmann::json& report) {
  const auto all = count_at(report, {"instances"}), converged = count_at(report, {"converged"});
  if (!all || !converged) return {Mood::neutral, "solved"};
  const auto items = items_of(report);
  if (*converged == *all)
    return {Mood::good, *all == 1 ? "the " + items.substr(0, items.size() - 1) + " converged"
                                  : fmt::format("all {} {} converged", grouped(*all), items)};
  return {Mood::bad, fmt::format("{} of {} {} did not converge", grouped(*all - *converged),
                                 grouped(*all), items)};
}

Outcome trained(const nlohmann::json& report) {
  const auto steps = count_at(report, {"steps"});
  const auto seconds = number_at(report, {"training_seconds"});
  if (!steps || !seconds) return {Mood::neutral, "trained"};
  std::string text = fmt::format("{} steps in {}", grouped(*steps), duration(*seconds));
  const auto& history = at(report, {"history"});
  const auto last = number_at(report, {"final", "first_error"});
  if (history.is_array() && !history.empty() && last)
    if (const auto first = number_at(history.front(), {"first_error"}))
      text += fmt::format("; first error {} to {}", short_number(*first), short_number(*last));
  return {Mood::neutral, text};
}

/// The start and threshold at which most problems did not converge; empty: all did.
std::string worst_of(const nlohmann::json& report) {
  const auto problems = count_at(report, {"problems"}).value_or(0);
  std::int64_t most = 0;
  std::string text;
  for (const auto& entry : at(report, {"thresholds"})) {
    const auto& starts = at(entry, {"initializers"});
    if (!starts.is_object()) continue;
    for (const auto& [name, start] : starts.items()) {
      const auto failed = problems - count_at(start, {"converged"}).value_or(problems);
      if (failed <= most) continue;
      most = failed;
      text = fmt::format("; {} of {} problems did not converge from {} to {}", grouped(failed),
                         grouped(problems), name,
                         round_number(number_at(entry, {"threshold"}).value_or(NAN)));
    }
  }
  return text;
}

/// Where the model pays, and where not.
Outcome compare(const nlohmann::json& report) {
  std::vector<std::string> pays, does_not;
  for (const auto& entry : at(report, {"thresholds"})) {
    const auto& verdict = at(entry, {"model_against_best"});
    const auto ratio = number_at(verdict, {"time_ratio"}), to = number_at(entry, {"threshold"});
    if (!ratio || !to) continue;
    auto& list = *ratio < 1 ? pays : does_not;
    list.push_back(fmt::format("{:.2f} of the time of the best other start, {}, to an error of {}",
                               *ratio, text_at(verdict, {"fastest"}), round_number(*to)));
  }
  if (pays.empty() && does_not.empty()) return {Mood::neutral, "starts compared, without a model"};
  const auto list = [](const std::vector<std::string>& all) { return joined(all, ", ", " and "); };
  if (does_not.empty()) return {Mood::good, "the model pays: " + list(pays)};
  if (pays.empty()) return {Mood::neutral, "the model does not pay: " + list(does_not)};
  return {Mood::neutral, "the model pays: " + list(pays) + "; and does not pay: " + list(does_not)};
}

Outcome mapped(const nlohmann::json& report) {
  if (const auto uvp = number_at(report, {"uvp_forward"}))
    return {Mood::neutral, fmt::format("L2-UVP of the map: {} %", short_number(*uvp))};
  const auto pushed = number_at(report, {"distances", "pushed_to_target", "exact"});
  const auto twice = number_at(report, {"distances", "target_to_target", "exact"});
  if (!pushed || !twice) return {Mood::neutral, "maps compared"};
  return {Mood::neutral,
          fmt::format("pushed samples are {} from the target, two draws of it {} from each other",
                      short_number(*pushed), short_number(*twice))};
}

Outcome compared(const nlohmann::json& report) {
  Outcome outcome = compare(report);
  const auto worst = worst_of(report);
  if (worst.empty()) return outcome;
  return {Mood::bad, outcome.text + worst};
}

Outcome scaled(const nlohmann::json& report) {
  std::vector<std::string> limits;
  for (const char* command : {"solve", "train"})
    if (const auto ranks = count_at(report, {command, "limit", "strong", "ranks"}))
      limits.push_back(
          *ranks > 0
              ? fmt::format("{}: from {} on less than half of the time computes", command,
                            counted(*ranks, "ranks"))
              : fmt::format("{}: at least half of the time computes on all rank counts", command));
  return {Mood::neutral, limits.empty() ? "scaling measured" : joined(limits, "; ", "; ")};
}

Outcome made(const nlohmann::json& report) {
  std::vector<std::string> parts;
  for (const auto& [split, word] : {std::pair{"train", "training"}, {"test", "test"}})
    if (const auto problems = count_at(report, {split, "problems"}))
      parts.push_back(fmt::format("{} {} problems", grouped(*problems), word));
  return {Mood::neutral, parts.empty() ? "populations made" : joined(parts, ", ", " and ")};
}

}  // namespace

const std::vector<std::string>& whole_phases(const std::string& command) {
  static const std::map<std::string, std::vector<std::string>> phases = {
      {"make", {"build", "write"}},
      {"train", {"read", "train", "write"}},
      {"solve", {"read", "solve", "write", "draw"}},
      {"evaluate", {"read", "map", "trace", "compare", "score", "draw"}},
      {"scale", {"solve", "train"}}};
  static const std::vector<std::string> none;
  const auto found = phases.find(command);
  return found == phases.end() ? none : found->second;
}

Outcome outcome_of(const Run& run) {
  Outcome outcome;
  const auto& report = run.report;
  if (!report.is_object())
    outcome = {Mood::bad, "no report"};
  else if (run.command == "solve")
    outcome = solved(report);
  else if (run.command == "train")
    outcome = trained(report);
  else if (run.command == "evaluate")
    outcome = report.contains("thresholds") ? compared(report) : mapped(report);
  else if (run.command == "scale")
    outcome = scaled(report);
  else if (run.command == "make")
    outcome = made(report);
  if (!run.faults.empty())
    outcome = {Mood::bad, (report.is_object() ? outcome.text + "; but " : "") +
                              joined(run.faults, "; ", "; ")};
  return outcome;
}

std::string subject_of(const Run& run) {
  const auto& report = run.report;
  std::vector<std::string> parts;
  if (run.command == "solve" || run.command == "evaluate") {
    for (const char* key : {"instances", "problems"})
      if (const auto count = count_at(report, {key})) {
        parts.push_back(*count == 1 ? counted(1, items_of(report))
                                    : grouped(*count) + " " + items_of(report));
        break;
      }
    const auto& problem = at(report, {"configuration", "problem"});
    if (const auto epsilon = number_at(problem, {"epsilon"});
        epsilon && items_of(report) != "points")
      parts.push_back("ε = " + short_number(*epsilon));
    for (const char* key : {"samples", "population"})
      if (const auto text = text_at(report, {key}); !text.empty()) parts.push_back(text);
  } else if (run.command == "train") {
    if (const auto parameters = count_at(report, {"parameters"}))
      parts.push_back("a model of " + grouped(*parameters) + " parameters");
    if (const auto samples = text_at(report, {"samples"}); !samples.empty())
      parts.push_back(samples);
  } else if (run.command == "make") {
    for (const char* split : {"train", "test"})
      if (const auto measures = count_at(report, {split, "measures"}))
        parts.push_back(fmt::format("{} measures for {}", grouped(*measures), split));
  }
  return joined(parts, ", ", ", ");
}

double seconds_of(const Run& run) {
  const auto& seconds = at(run.report, {"seconds"});
  if (!seconds.is_object()) return -1;
  double sum = 0;
  for (const auto& phase : whole_phases(run.command))
    sum += number_at(seconds, {phase.c_str()}).value_or(0);
  return sum;
}

Outcome verdict_on(const std::vector<Run>& runs) {
  std::string text;
  Mood mood = Mood::good;
  const auto add = [&](const Run& run) {
    Outcome outcome = outcome_of(run);
    const bool unclear = std::count_if(runs.begin(), runs.end(), [&](const Run& other) {
                           return other.command == run.command;
                         }) > 1;
    if (unclear)
      outcome.text = run.name + ": " + outcome.text;
    else if (outcome.text[0] >= 'a' && outcome.text[0] <= 'z')
      outcome.text[0] -= 'a' - 'A';
    text += (text.empty() ? "" : " ") + outcome.text + ".";
    if (outcome.mood == Mood::bad || mood == Mood::good) mood = outcome.mood;
  };
  for (const Run& run : runs)
    if (run.command == "solve" || run.command == "evaluate" || !run.faults.empty()) add(run);
  if (text.empty()) add(runs.back());
  return {mood, text};
}

}  // namespace otfleet::page
