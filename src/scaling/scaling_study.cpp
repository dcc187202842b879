#include "src/scaling/scaling_study.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/reports/plots.hpp"
#include "src/scaling/scaling_csv.hpp"

namespace otfleet {
namespace {

/// One line: a run, or what the model says of one.
struct Row {
  std::string scaling, origin;  ///< strong or weak; measured, oversubscribed or predicted
  ScalingRun run;
  double efficiency = 1;
};

ScalingRun predicted(const CostModel& model, int ranks, double items) {
  return {ranks, items, model.predict(ranks, items), false};
}

/// Runs first, then 1, 2, 4, … ranks as predicted.
std::vector<Row> rows_of(const CommandScaling& study, std::int64_t predict_ranks) {
  std::vector<Row> rows;
  for (const bool weak : {false, true}) {
    const auto& runs = weak ? study.weak : study.strong;
    const std::string scaling = weak ? "weak" : "strong";
    for (const auto& run : runs)
      rows.push_back({scaling, run.oversubscribed ? "oversubscribed" : "measured", run,
                      CommandScaling::efficiency(runs, run)});
    const double items = runs.front().items;
    const ScalingRun alone = predicted(study.model, 1, items);
    for (std::int64_t ranks = 1; ranks <= predict_ranks; ranks *= 2) {
      const int p = static_cast<int>(ranks);
      const ScalingRun run = predicted(study.model, p, weak ? items * p : items);
      rows.push_back({scaling, "predicted", run, run.per_second() / p / alone.per_second()});
    }
  }
  return rows;
}

nlohmann::json parts_json(const RunParts& parts) {
  return {{"serial", parts.serial},
          {"compute", parts.compute},
          {"communication", parts.communication},
          {"io", parts.io},
          {"waiting", parts.waiting}};
}

nlohmann::json study_json(const CommandScaling& study, const std::vector<Row>& rows,
                          std::int64_t predict_ranks) {
  nlohmann::json json;
  for (const Row& row : rows)
    json[row.origin == "predicted" ? "predicted" : "measured"][row.scaling].push_back(
        {{"ranks", row.run.ranks},
         {"items", row.run.items},
         {"seconds", row.run.seconds()},
         {"items_per_second", row.run.per_second()},
         {"efficiency", row.efficiency},
         {"oversubscribed", row.run.oversubscribed},
         {"parts", parts_json(row.run.parts)}});
  const CostModel& model = study.model;
  json["model"] = {
      {"serial_seconds", model.serial},          {"item_seconds", model.item_seconds},
      {"io_seconds_per_item", model.io_seconds}, {"waiting_seconds", model.waiting},
      {"latency_seconds", model.latency},        {"bandwidth_bytes_per_second", model.bandwidth},
      {"exposed_share", model.exposed},          {"largest_relative_error", study.model_error()}};
  for (const bool weak : {false, true}) {
    const double items = (weak ? study.weak : study.strong).front().items;
    const auto limit = find_limit(model, items, weak, static_cast<int>(predict_ranks));
    json["limit"][weak ? "weak" : "strong"] =
        limit.ranks > 0 ? nlohmann::json{{"ranks", limit.ranks}, {"by", limit.by}}
                        : nlohmann::json();
  }
  return json;
}

void write_csv(const std::filesystem::path& path, const std::vector<CommandScaling>& studies,
               std::int64_t predict_ranks) {
  distributed::StagedPath staged(
      path, distributed::FileMark::csv(std::string(scaling_csv_header) + '\n'));
  std::ofstream csv(staged.temporary());
  csv << scaling_csv_header << '\n';
  for (const auto& study : studies)
    for (const Row& row : rows_of(study, predict_ranks)) {
      const RunParts& parts = row.run.parts;
      csv << fmt::format(
          "{},{},{},{},{:g},{:.6g},{:.6g},{:.4f},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n",
          study.command, row.scaling, row.origin, row.run.ranks, row.run.items, row.run.seconds(),
          row.run.per_second(), row.efficiency, parts.serial, parts.compute, parts.communication,
          parts.io, parts.waiting);
    }
  csv.close();
  if (!csv) throw UserError(path.string() + ": cannot be written to the end");
  staged.commit();
}

Curve throughput_curve(const std::vector<Row>& rows, const std::string& scaling,
                       bool is_predicted) {
  Curve curve{scaling + (is_predicted ? ", predicted" : ", measured"), {}, {}};
  for (const Row& row : rows)
    if (row.scaling == scaling && (row.origin == "predicted") == is_predicted) {
      curve.x.push_back(row.run.ranks);
      curve.y.push_back(row.run.per_second());
    }
  return curve;
}

std::filesystem::path draw(const std::filesystem::path& directory, const CommandScaling& study,
                           const std::vector<Row>& rows) {
  ScalingPlot plot;
  for (const char* scaling : {"strong", "weak"}) {
    plot.measured.push_back(throughput_curve(rows, scaling, false));
    plot.predicted.push_back(throughput_curve(rows, scaling, true));
  }
  plot.ideal = {"ideal", plot.predicted[0].x, {}};
  for (const double ranks : plot.ideal.x)
    plot.ideal.y.push_back(ranks * study.strong.front().per_second());
  const std::pair<const char*, double RunParts::*> parts[] = {
      {"compute", &RunParts::compute},
      {"serial", &RunParts::serial},
      {"waiting", &RunParts::waiting},
      {"communication", &RunParts::communication},
      {"files", &RunParts::io}};
  for (const auto& [name, part] : parts) {
    Curve share{name, {}, {}};
    for (const Row& row : rows)
      if (row.scaling == "strong" && row.origin == "predicted") {
        share.x.push_back(row.run.ranks);
        share.y.push_back(row.run.parts.*part / row.run.seconds());
      }
    plot.shares.push_back(std::move(share));
  }
  return plot_scaling(directory / ("scaling-" + study.command + ".png"), study.command, plot);
}

}  // namespace

double CommandScaling::model_error() const {
  double worst = 0;
  for (const auto* runs : {&strong, &weak})
    for (const auto& run : *runs)
      if (!run.oversubscribed)
        worst = std::max(worst,
                         std::abs(model.predict(run.ranks, run.items).total() / run.seconds() - 1));
  return worst;
}

void write_scaling(const std::filesystem::path& directory,
                   const std::vector<CommandScaling>& studies, std::int64_t predict_ranks,
                   nlohmann::json& figures) {
  write_csv(directory / "scaling.csv", studies, predict_ranks);
  figures["csv"] = (directory / "scaling.csv").string();
  for (const auto& study : studies) {
    const auto rows = rows_of(study, predict_ranks);
    figures[study.command] = study_json(study, rows, predict_ranks);
    const auto picture = draw(directory, study, rows);
    if (!picture.empty() && !figures.contains("picture")) figures["picture"] = picture.string();
  }
}

std::string scaling_table(const std::vector<CommandScaling>& studies, std::int64_t predict_ranks) {
  std::string text;
  for (const auto& study : studies) {
    text += fmt::format(
        "{:8}{:8}{:16}{:>7}{:>12}{:>11}{:>12}{:>12}   share of compute, serial, "
        "communication, files, waiting\n",
        study.command, "", "", "ranks", "problems", "seconds", "problems/s", "efficiency");
    for (const Row& row : rows_of(study, predict_ranks)) {
      const RunParts& parts = row.run.parts;
      const double all = parts.total();
      text += fmt::format(
          "{:8}{:8}{:16}{:>7}{:>12g}{:>11.3g}{:>12.4g}{:>12.2f}   {:.2f} {:.2f} {:.2f} {:.2f} "
          "{:.2f}\n",
          "", row.scaling, row.origin, row.run.ranks, row.run.items, row.run.seconds(),
          row.run.per_second(), row.efficiency, parts.compute / all, parts.serial / all,
          parts.communication / all, parts.io / all, parts.waiting / all);
    }
    text += fmt::format("        the model is off by at most {:.3g}% on what was measured\n",
                        100 * study.model_error());
    for (const bool weak : {false, true}) {
      const double items = (weak ? study.weak : study.strong).front().items;
      const auto limit = find_limit(study.model, items, weak, static_cast<int>(predict_ranks));
      text += limit.ranks > 0
                  ? fmt::format(
                        "        {}: below half of the time computes from {} ranks on; the "
                        "most goes to {}\n",
                        weak ? "weak" : "strong", limit.ranks, limit.by)
                  : fmt::format("        {}: at least half of the time computes up to {} ranks\n",
                                weak ? "weak" : "strong", predict_ranks);
    }
  }
  return text;
}

}  // namespace otfleet
