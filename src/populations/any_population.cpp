#include "src/populations/any_population.hpp"

#include <spdlog/fmt/fmt.h>

#include "distributed/error.hpp"
#include "src/data/feature_names.hpp"
#include "src/populations/cloud_builder.hpp"
#include "src/populations/population_parts.hpp"
#include "src/populations/split_pairs.hpp"
#include "src/reports/sizes_text.hpp"

namespace otfleet {
namespace {

std::string summary(const Population& population) {
  return fmt::format("{} over {} measures on {} points", counted(population.problems(), "problems"),
                     population.source_measures + population.target_measures,
                     population.geometry.n == population.geometry.m
                         ? std::to_string(population.geometry.n)
                         : fmt::format("{} and {}", population.geometry.n, population.geometry.m));
}

std::string summary(const CloudPopulation& population) {
  const auto offsets = [&](const CloudTable& table) { return sizes_text(table.offsets); };
  return fmt::format(
      "{} over {} measures; points of a measure: {}{}", counted(population.problems(), "problems"),
      population.sources.count() + population.targets.count(), offsets(population.sources),
      population.shared_measures ? "" : ", of a target: " + offsets(population.targets));
}

}  // namespace

AnyPopulation build_any_measures(const Job& job, Split split) {
  check_feature_names(job.data);
  if (job.problem.geometry == GeometryKind::clouds) return build_cloud_measures(job, split);
  return build_measures(job, split);
}

AnyPopulation build_any_population(const Job& job, Split split, std::string* remark) {
  auto population = build_any_measures(job, split);
  std::visit([&](auto& any) { add_pairs(any, job, split, remark); }, population);
  return population;
}

void write_any_population(const std::filesystem::path& file, const AnyPopulation& population) {
  struct Write {
    const std::filesystem::path& file;
    void operator()(const Population& any) const { write_population(file, any); }
    void operator()(const CloudPopulation& any) const { write_cloud_population(file, any); }
  };
  std::visit(Write{file}, population);
}

std::string content_fingerprint_of(const AnyPopulation& population) {
  return std::visit([](const auto& any) { return any.content_fingerprint(); }, population);
}

std::string written_content(const std::filesystem::path& file) {
  return distributed::Hdf5File::open(file).string_attribute("/", content_attribute).value_or("");
}

bool is_as_written(const std::filesystem::path& file) {
  try {
    return written_content(file) == (holds_clouds(file)
                                         ? read_cloud_population(file, false).content_fingerprint()
                                         : read_population(file, false).content_fingerprint());
  } catch (const UserError&) {
    return false;
  }
}

PopulationView view_any(const AnyPopulation& population) {
  return std::visit([](const auto& any) { return PopulationView(any); }, population);
}

std::string geometry_fingerprint_of(const AnyPopulation& population) {
  struct Fingerprint {
    std::string operator()(const Population& any) const { return any.geometry.fingerprint(); }
    std::string operator()(const CloudPopulation& any) const { return any.fingerprint(); }
  };
  return std::visit(Fingerprint(), population);
}

std::int64_t problems_of(const AnyPopulation& population) {
  return std::visit([](const auto& any) { return any.problems(); }, population);
}

std::string summary_of(const AnyPopulation& population) {
  return std::visit([](const auto& any) { return summary(any); }, population);
}

}  // namespace otfleet
