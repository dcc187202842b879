#include "src/families/gromov_wasserstein/gromov_wasserstein_family.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "src/families/gromov_wasserstein/shape_problems.hpp"
#include "src/families/gromov_wasserstein/space_population.hpp"
#include "src/families/linear/linear_family.hpp"
#include "src/reports/sizes_text.hpp"

namespace otfleet {
namespace {

/// Populations of spaces from matrices, of clouds as for linear problems.
void make(const CommandContext& context, Report& report) {
  if (context.job.problem.geometry != GeometryKind::dense) return make_populations(context, report);
  std::string remark;
  SpacePopulation spaces;
  {
    const PhaseTimer timer(report, "build");
    spaces = build_spaces(context.job, remark);
  }
  const PhaseTimer timer(report, "write");
  if (!remark.empty()) spdlog::warn(remark);
  const auto file = context.output / "test.h5";
  write_spaces(file, spaces);
  report.figures()["test"] = {{"measures", spaces.spaces()},
                              {"problems", spaces.problems()},
                              {"measure_points", spaces.offsets.back()},
                              {"file", file.string()}};
  if (context.prints())
    std::cout << fmt::format("{}: {} over {} spaces; points of a space: {}\n", file.string(),
                             counted(spaces.problems(), "problems"), spaces.spaces(),
                             sizes_text(spaces.offsets));
}

void describe(const std::filesystem::path& file, std::ostream& to) {
  const auto spaces = read_spaces(file, false);
  to << fmt::format(
            "geometry: costs within each space{}\n",
            spaces.features > 0 ? fmt::format(", {} features of a point", spaces.features) : "")
     << fmt::format("measures: {}, points of a measure: {}\nproblems: {}\n", spaces.spaces(),
                    sizes_text(spaces.offsets), spaces.problems());
}

double statistic_of(const std::filesystem::path& file, const Job& job) {
  return read_shape_problems(job, file).distortion(job);
}

}  // namespace

Family gromov_wasserstein_family() {
  return {ProblemKind::gromov_wasserstein,
          make,
          open_gromov_wasserstein,
          nullptr,
          nullptr,
          describe,
          statistic_of};
}

}  // namespace otfleet
