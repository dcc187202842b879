#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "src/families/linear/linear_family.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"
#include "src/populations/sequences.hpp"
#include "src/reports/sizes_text.hpp"

namespace otfleet {
namespace {

/// "a.png, b.png, c.png and 9 more".
std::string names_text(const std::vector<std::string>& names) {
  const std::size_t shown = std::min<std::size_t>(names.size(), 3);
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + shown, ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

template <class AnyPopulation>
void describe_problems(const AnyPopulation& population, std::ostream& to) {
  to << fmt::format("problems: {}\n", population.problems());
  if (const auto offsets = sequence_offsets(population.sequence); !offsets.empty())
    to << fmt::format("sequences: {}, problems of one: {}\n", offsets.size() - 1,
                      sizes_text(offsets));
}

void describe(const Population& population, std::ostream& to) {
  to << population.geometry.description();
  if (population.shared_measures) {
    to << fmt::format("measures: {}\n", population.source_measures);
  } else {
    to << fmt::format("measures: {} source, {} target\n", population.source_measures,
                      population.target_measures);
  }
  describe_problems(population, to);
}

void describe(const CloudPopulation& population, std::ostream& to) {
  to << fmt::format("geometry: clouds, cost {}, {} coordinates\n", population.cost_name(),
                    population.dimension)
     << fmt::format("fingerprint: {}\n", population.fingerprint());
  const auto show_table = [&](const char* side, const CloudTable& table) {
    to << fmt::format("{}measures: {}, points of a measure: {}\n", side, table.count(),
                      sizes_text(table.offsets));
    if (!table.names.empty()) to << fmt::format("{}names: {}\n", side, names_text(table.names));
  };
  show_table(population.shared_measures ? "" : "source ", population.sources);
  if (!population.shared_measures) show_table("target ", population.targets);
  describe_problems(population, to);
  if (population.contexts.width > 0)
    to << fmt::format("contexts: {} number{} a problem\n", population.contexts.width,
                      population.contexts.width == 1 ? "" : "s");
  if (!population.images.empty())
    to << "images: where the true map takes the points of every source\n";
}

}  // namespace

void describe_population(const std::filesystem::path& file, std::ostream& to) {
  if (holds_clouds(file))
    describe(read_cloud_population(file, false), to);
  else
    describe(read_population(file, false), to);
}

}  // namespace otfleet
