#include "src/reports/page/run_tables.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "src/reports/page/html.hpp"
#include "src/reports/page/json_values.hpp"
#include "src/reports/page/outcome.hpp"

namespace otfleet::page {
namespace {

using Kind = Table::Kind;

std::string number_text(const nlohmann::json& json, std::initializer_list<const char*> path) {
  const auto number = number_at(json, path);
  return number ? short_number(*number) : std::string();
}
std::string count_text(const nlohmann::json& json, std::initializer_list<const char*> path) {
  const auto count = count_at(json, path);
  return count ? grouped(*count) : number_text(json, path);
}
/// With so many digits after the point, to compare down a column.
std::string fixed(const nlohmann::json& json, std::initializer_list<const char*> path, int digits) {
  const auto number = number_at(json, path);
  return number ? fmt::format("{:.{}f}", *number, digits) : std::string();
}

std::string when(const std::filesystem::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return {};
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&facts.st_mtime, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts) == 0)
    return {};
  return text;
}

std::string comparison_table(const Run& run) {
  Table table(
      "Starts compared: means over the held-out problems; the first error is that of the start "
      "itself");
  table.column("error to reach")
      .column("start", Kind::text)
      .column("first error")
      .column("Sinkhorn iterations")
      .column("90 % take at most")
      .column("solver's iterations")
      .column("ms a problem")
      .column("of which start")
      .column("converged");
  for (const auto& entry : at(run.report, {"thresholds"})) {
    const auto threshold = number_at(entry, {"threshold"});
    const auto& starts = at(entry, {"initializers"});
    if (!threshold || !starts.is_object()) continue;
    for (const auto& [name, start] : starts.items())
      table.row({round_number(*threshold), name, fixed(start, {"initial_marginal_error"}, 3),
                 fixed(start, {"iterations", "mean"}, 1), fixed(start, {"iterations", "p90"}, 0),
                 fixed(start, {"solver_iterations", "mean"}, 1),
                 fixed(start, {"milliseconds_per_instance"}, 4),
                 fixed(start, {"predict_milliseconds_per_instance"}, 4),
                 count_text(start, {"converged"})});
  }
  return table.html();
}

std::string distance_table(const Run& run) {
  Table table("Wasserstein-2 distances between samples");
  table.column("between", Kind::text).column("exact").column("sliced");
  for (const auto& [key, name] : {std::pair{"source_to_target", "source and target"},
                                  {"pushed_to_target", "pushed source and target"},
                                  {"target_to_target", "two draws of the target"},
                                  {"pulled_to_source", "pulled target and source"},
                                  {"source_to_source", "two draws of the source"}})
    if (at(run.report, {"distances", key}).is_object())
      table.row({name, number_text(run.report, {"distances", key, "exact"}),
                 number_text(run.report, {"distances", key, "sliced"})});
  return table.html();
}

std::string scaling_table(const Run& run, const char* command, const char* origin) {
  Table table(fmt::format("{} on more ranks, {}", command, origin));
  table.column("scaling", Kind::text)
      .column("ranks")
      .column("problems")
      .column("seconds")
      .column("problems a second")
      .column("efficiency");
  for (const char* scaling : {"strong", "weak"})
    for (const auto& row : at(run.report, {command, origin, scaling}))
      table.row({scaling, count_text(row, {"ranks"}), number_text(row, {"items"}),
                 number_text(row, {"seconds"}), number_text(row, {"items_per_second"}),
                 fixed(row, {"efficiency"}, 2)});
  return table.html();
}

std::string status_table(const SolutionSummary& solution) {
  Table table("How problems ended");
  table.column("status", Kind::text).column("problems").column("share");
  for (const auto& [status, count] : solution.statuses)
    table.row({status, grouped(count),
               fmt::format("{:.4g} %", 100.0 * static_cast<double>(count) /
                                           static_cast<double>(solution.problems))});
  return table.html();
}

std::string figures_table(const Run& run) {
  const auto& report = run.report;
  Table table("Figures");
  table.column("figure", Kind::text).column("value", Kind::text);
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) table.row({name, value});
  };
  if (run.command == "solve") {
    add("method", text_at(report, {"method", "chosen"}));
    add("because", text_at(report, {"method", "reason"}));
    add("mean iterations", number_text(report, {"mean_iterations"}));
    add("largest marginal error", number_text(report, {"max_marginal_error"}));
    add("largest residual", number_text(report, {"max_residual"}));
    add("largest relative gap of the bounds", number_text(report, {"max_relative_gap"}));
    add("problems that are not finite", count_text(report, {"not_finite"}));
    add("problems a second", number_text(report, {"instances_per_second"}));
    if (count_at(report, {"ranks"}).value_or(1) > 1)
      add("share of the busiest rank's time for which others wait",
          number_text(report, {"balance", "imbalance"}));
  } else if (run.command == "train") {
    add("steps a second", number_text(report, {"steps_per_second"}));
    add("parameters", count_text(report, {"parameters"}));
    add("final loss", number_text(report, {"final", "loss"}));
    add("final first error", number_text(report, {"final", "first_error"}));
    add("targets that converged", count_text(report, {"targets", "converged"}));
    add("targets solved", count_text(report, {"targets", "solved"}));
  }
  return table.html();
}

std::string rows_table(const SolutionSummary& solution, const std::vector<CertifiedRow>& rows,
                       const std::string& caption) {
  const bool paired = !rows.empty() && rows.front().source.has_value();
  const bool bounded = !solution.upper_name.empty();
  Table table(caption);
  table.column("problem");
  if (paired) table.column("source").column("target");
  table.column("status", Kind::text);
  if (!solution.cost_name.empty()) table.column(solution.cost_name);
  if (bounded) table.column(solution.lower_name).column(solution.upper_name).column("gap / upper");
  table.column(solution.error_name.empty() ? "error" : solution.error_name).column("iterations");
  for (const auto& row : rows) {
    std::vector<std::string> cells = {grouped(row.problem)};
    if (paired)
      for (const auto& side : {row.source, row.target})
        cells.push_back(side ? grouped(*side) : std::string());
    cells.push_back(row.status);
    if (!solution.cost_name.empty()) cells.push_back(short_number(row.cost));
    if (bounded)
      cells.insert(cells.end(),
                   {short_number(row.lower), short_number(row.upper), short_number(row.gap)});
    cells.push_back(short_number(row.error));
    cells.push_back(row.iterations ? grouped(*row.iterations) : std::string());
    table.row(std::move(cells));
  }
  return table.html();
}

}  // namespace

std::string overview_table(const std::vector<ShownRun>& runs) {
  Table table("What was run");
  table.column("run", Kind::text)
      .column("result", Kind::text)
      .column("on", Kind::text)
      .column("time")
      .column("ranks")
      .column("finished", Kind::text);
  for (const auto& [run, solution] : runs) {
    const double seconds = seconds_of(run);
    table.row({run.name == run.command || run.command.empty()
                   ? run.name
                   : fmt::format("{} ({})", run.command, run.name),
               outcome_of(run).text, subject_of(run), seconds < 0 ? "" : duration(seconds),
               count_text(run.report, {"ranks"}),
               run.report.is_object() ? when(run.folder / "report.json") : "not finished"});
  }
  return table.html();
}

std::string result_tables(const ShownRun& shown) {
  const auto& [run, solution] = shown;
  std::string html = comparison_table(run) + distance_table(run);
  if (run.command == "scale")
    for (const char* command : {"solve", "train"}) {
      html += scaling_table(run, command, "measured");
      if (const auto predicted = scaling_table(run, command, "predicted"); !predicted.empty())
        html += folded(fmt::format("{} on more ranks, predicted", command), predicted);
    }
  if (solution) html += status_table(*solution);
  return html + figures_table(run);
}

std::string seconds_table(const ShownRun& shown) {
  const auto& run = shown.run;
  const auto& seconds = at(run.report, {"seconds"});
  if (!seconds.is_object()) return {};
  Table table(run.name);
  table.column("phase", Kind::text).column("time").column("share");
  const double all = seconds_of(run);
  const auto add = [&](const std::string& name, double taken) {
    table.row({name, duration(taken), all > 0 ? fmt::format("{:.1f} %", 100 * taken / all) : ""});
  };
  constexpr double shown_from = 5e-5;  // seconds
  const auto& whole = whole_phases(run.command);
  for (const auto& phase : whole) {
    const auto taken = number_at(seconds, {phase.c_str()});
    if (!taken) continue;
    add(phase, *taken);
    if (phase != run.command) continue;
    for (const auto& [part, value] : seconds.items())  // the parts of what the command is for
      if (value.is_number() && value.get<double>() >= shown_from &&
          std::find(whole.begin(), whole.end(), part) == whole.end())
        add("– " + part, value.get<double>());
  }
  return table.html();
}

std::string worst_row_tables(const ShownRun& shown) {
  if (!shown.solution || shown.solution->problems == 0) return {};
  const auto& solution = *shown.solution;
  std::string html;
  if (solution.failed > 0)
    html +=
        rows_table(solution, solution.not_converged,
                   fmt::format("Did not converge: {} of {}, those with the largest errors",
                               grouped(static_cast<std::int64_t>(solution.not_converged.size())),
                               grouped(solution.failed)));
  else
    html += element("p", "Every problem converged.");
  if (solution.problems <= static_cast<std::int64_t>(solution.largest_errors.size()))
    return html + rows_table(solution, solution.largest_errors,
                             "All rows, those with the largest " + solution.error_name + " first");
  html += rows_table(solution, solution.largest_errors, "Largest " + solution.error_name);
  html += rows_table(solution, solution.largest_gaps,
                     "Largest gaps between the bounds, relative to the upper one");
  return html;
}

}  // namespace otfleet::page
