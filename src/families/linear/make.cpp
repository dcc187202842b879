#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <optional>

#include "distributed/error.hpp"
#include "src/families/linear/linear_family.hpp"
#include "src/populations/any_population.hpp"

namespace otfleet {
namespace {

struct Named {
  const char* name;
  AnyPopulation population;
  std::string remark;  ///< on its pairs, or empty
};

void check_sources(const Job& job) {
  const DataOptions& data = job.data;
  if (job.make.source_weights != WeightsKind::data || job.make.drifts()) return;
  if (data.train.empty() && data.test.empty()) {
    throw UserError(
        "data.train and data.test are both missing: make needs at least one, as in [data] test = { "
        "file = \"images.npy\" }; 'otfleet init' writes a job to begin with");
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

/// "2 x 3" of a grid, "9" of listed points, "of 3 coordinates" of clouds.
std::string points_of(const Named& named) {
  struct Text {
    std::string operator()(const Population& any) const {
      std::vector<std::size_t> lengths;
      for (const auto& axis : any.geometry.axes) lengths.push_back(axis.size());
      return lengths.empty() ? fmt::format("{}", any.geometry.n)
                             : fmt::format("{}", fmt::join(lengths, " x "));
    }
    std::string operator()(const CloudPopulation& any) const {
      return fmt::format("of {} coordinates", any.dimension);
    }
  };
  return std::visit(Text(), named.population);
}

/// How many numbers describe a problem; 0: none do.
std::int64_t context_width(const AnyPopulation& population) {
  const auto* clouds = std::get_if<CloudPopulation>(&population);
  return clouds == nullptr ? 0 : clouds->contexts.width;
}

/// A map that is trained on one of them is judged on the other.
void require_equal_contexts(const DataOptions& data, const AnyPopulation& train,
                            const AnyPopulation& test) {
  if (context_width(train) == context_width(test)) return;
  throw UserError(fmt::format(
      "{}: contexts of {} numbers a problem, but {} of {}; give data.train.contexts and "
      "data.test.contexts, and those of targets, as many columns",
      data.test.file.string(), context_width(test), data.train.file.string(),
      context_width(train)));
}

/// Both populations before the first is written, so that a mistake in the second leaves no file.
std::vector<Named> build(const Job& job) {
  check_sources(job);
  std::vector<Named> result;
  const auto add = [&](const char* name, Split split) {
    if (!makes(job, split)) return;
    auto& added = result.emplace_back(Named{name, {}, {}});
    added.population = build_any_population(job, split, &added.remark);
  };
  add("train", Split::train);
  add("test", Split::test);
  if (result.size() == 2 && geometry_fingerprint_of(result[0].population) !=
                                geometry_fingerprint_of(result[1].population))
    throw UserError(fmt::format("{}: measures on other points ({}) than those of {} ({})",
                                job.data.test.file.string(), points_of(result[1]),
                                job.data.train.file.string(), points_of(result[0])));
  if (result.size() == 2)
    require_equal_contexts(job.data, result[0].population, result[1].population);
  for (const auto& [name, population, remark] : result) {
    const auto& data = name == std::string("train") ? job.data.train : job.data.test;
    const std::string called = data.empty() ? std::string("data.") + name : data.file.string();
    std::visit([&](const auto& any) { any.validate(called); }, population);
  }
  return result;
}

nlohmann::json figures(const Population& population) {
  nlohmann::json json = {{"measures", population.source_measures},
                         {"points", population.geometry.n}};
  if (!population.shared_measures) json["target_measures"] = population.target_measures;
  if (population.geometry.m != population.geometry.n) json["target_points"] = population.geometry.m;
  return json;
}

nlohmann::json figures(const CloudPopulation& population) {
  nlohmann::json json = {{"measures", population.sources.count()},
                         {"measure_points", population.sources.offsets.back()},
                         {"dimension", population.dimension}};
  if (!population.shared_measures) json["target_measures"] = population.targets.count();
  if (population.contexts.width > 0) json["context_numbers"] = population.contexts.width;
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
    write_any_population(file, population);
    auto& json = report.figures()[name];
    std::visit([&](const auto& any) { json = figures(any); }, population);
    json["problems"] = problems_of(population);
    json["file"] = file.string();
    if (context.prints()) std::cout << file.string() << ": " << summary_of(population) << '\n';
  }
}

}  // namespace otfleet
