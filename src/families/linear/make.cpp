#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <optional>

#include "distributed/error.hpp"
#include "src/families/linear/linear_family.hpp"
#include "src/populations/population_builder.hpp"

namespace otfleet {
namespace {

struct Named {
  const char* name;
  Population population;
  std::string remark;  ///< on its pairs, or empty
};

void check_sources(const Job& job) {
  const DataOptions& data = job.data;
  if (job.problem.geometry == GeometryKind::clouds)
    throw UserError(
        "problem.geometry = 'clouds': make builds no populations in which every measure has points "
        "of its own; write the file yourself, the README says how");
  if (job.make.source_weights != WeightsKind::data) return;
  if (data.train.empty() && data.test.empty()) {
    throw UserError("data.train and data.test are both missing: make needs at least one");
  }
  if (data.train.empty() && !data.train_target.empty()) {
    throw UserError("data.train_target is given, but not data.train");
  }
  if (data.test.empty() && !data.test_target.empty()) {
    throw UserError("data.test_target is given, but not data.test");
  }
  if (job.make.target_weights == WeightsKind::data && !data.train.empty() && !data.test.empty() &&
      data.train_target.empty() != data.test_target.empty()) {
    throw UserError("data.train_target and data.test_target: only one of them is given");
  }
}

/// Both populations before the first is written, so that a mistake in the second leaves no file.
std::vector<Named> build(const Job& job) {
  check_sources(job);
  std::vector<Named> result;
  const auto add = [&](const char* name, Split split) {
    if (!makes(job, split)) return;
    auto& added = result.emplace_back(Named{name, {}, {}});
    added.population = build_population(job, split, &added.remark);
  };
  add("train", Split::train);
  add("test", Split::test);
  if (result.size() == 2 &&
      result[0].population.geometry.fingerprint() != result[1].population.geometry.fingerprint()) {
    throw UserError(fmt::format("{}: measures on other points ({}) than those of {} ({})",
                                job.data.test.file.string(), result[1].population.geometry.n,
                                job.data.train.file.string(), result[0].population.geometry.n));
  }
  for (const auto& [name, population, remark] : result) {
    const auto& data = name == std::string("train") ? job.data.train : job.data.test;
    population.validate(data.empty() ? std::string("data.") + name : data.file.string());
  }
  return result;
}

nlohmann::json figures(const Population& population, const std::filesystem::path& file) {
  nlohmann::json json = {{"measures", population.source_measures},
                         {"problems", population.problems()},
                         {"points", population.geometry.n},
                         {"file", file.string()}};
  if (!population.shared_measures) json["target_measures"] = population.target_measures;
  if (population.geometry.m != population.geometry.n) json["target_points"] = population.geometry.m;
  return json;
}

}  // namespace

void make_populations(const CommandContext& context, Report& report) {
  std::vector<Named> populations;
  {
    const PhaseTimer timer(report, "build");
    populations = build(context.job);
  }
  const PhaseTimer timer(report, "write");
  for (const auto& [name, population, remark] : populations) {
    if (!remark.empty()) spdlog::warn(remark);
    const auto file = context.output / (std::string(name) + ".h5");
    write_population(file, population);
    report.figures()[name] = figures(population, file);
    if (context.prints()) {
      std::cout << fmt::format(
          "{}: {} problems over {} measures on {} points\n", file.string(), population.problems(),
          population.source_measures + population.target_measures, population.geometry.n);
    }
  }
}

}  // namespace otfleet
