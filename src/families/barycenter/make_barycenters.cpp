#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <iostream>
#include <unordered_set>
#include <utility>

#include "distributed/error.hpp"
#include "kernels/counter_random.hpp"
#include "src/families/barycenter/barycenter_family.hpp"
#include "src/families/barycenter/barycenter_population.hpp"
#include "src/families/barycenter/free_support_population.hpp"
#include "src/populations/population_builder.hpp"
#include "src/reports/sizes_text.hpp"

namespace otfleet {
namespace {

// Never change these: they are part of what a seed means.
constexpr std::uint64_t size_stream = 2000, choice_stream = 2001, weight_stream = 2002;

/// Measures of all problems, on the target side; the source side is the barycenters'.
BarycenterPopulation build_measures_of(const Job& job) {
  Job sides = job;
  sides.make.target_weights = job.make.source_weights;
  sides.data.test_target = job.data.test;
  sides.make.source_weights = WeightsKind::equal;
  sides.data.test = {};
  Population built = build_measures(sides, Split::test);
  BarycenterPopulation population;
  population.geometry = std::move(built.geometry);
  population.measures = built.target_measures;
  population.weights = std::move(built.target_weights);
  return population;
}

/// Random problems; the first of more problems are the same.
MeasureSets draw_sets(const Job& job, std::int64_t measures) {
  const auto& wanted = job.barycenter;
  if (wanted.most_measures > measures)
    throw UserError(
        fmt::format("barycenter.most_measures = {}, but there are {} measures, and "
                    "those of a problem are all different",
                    wanted.most_measures, measures));
  const auto seed = static_cast<std::uint64_t>(job.seed);
  const kernels::CounterRandom sizes(seed, size_stream), choices(seed, choice_stream),
      weights(seed, weight_stream);
  const auto range = static_cast<std::uint64_t>(wanted.most_measures - wanted.fewest_measures + 1);
  MeasureSets sets;
  for (std::int64_t k = 0; k < job.make.test_problems; ++k) {
    const auto problem = static_cast<std::uint64_t>(k);
    const auto size =
        wanted.fewest_measures + static_cast<std::int64_t>(sizes.below(range, problem));
    // Draws of problem k are numbered from k · 2^32 on.
    std::uint64_t draw = problem << 32;
    std::unordered_set<std::int32_t> taken;
    while (static_cast<std::int64_t>(taken.size()) < size) {
      const auto one =
          static_cast<std::int32_t>(choices.below(static_cast<std::uint64_t>(measures), draw++));
      if (taken.insert(one).second) sets.measures.push_back(one);
    }
    for (std::int64_t s = 0; wanted.weights == MeanWeights::random && s < size; ++s)
      sets.weights.push_back(
          -std::log1p(-weights.uniform((problem << 32) + static_cast<std::uint64_t>(s))));
    sets.offsets.push_back(static_cast<std::int64_t>(sets.measures.size()));
  }
  return sets;
}

void check_data(const Job& job) {
  if (job.make.source_weights == WeightsKind::data && job.data.test.empty())
    throw UserError(
        "data.test is missing: make needs the measures whose barycenters are to be found");
}

std::string name_of_data(const Job& job) {
  return job.data.test.empty() ? "data.test" : job.data.test.file.string();
}

BarycenterPopulation build(const Job& job) {
  check_data(job);
  auto population = build_measures_of(job);
  population.sets = draw_sets(job, population.measures);
  population.validate(name_of_data(job), true);
  return population;
}

/// The points of every measure where it has weight.
CloudTable clouds_of(const BarycenterPopulation& shared) {
  const auto points = shared.geometry.points(false);
  const auto d = shared.geometry.coordinates(), m = shared.geometry.m;
  CloudTable clouds;
  for (std::int64_t s = 0; s < shared.measures; ++s) {
    for (std::int64_t j = 0; j < m; ++j) {
      const double weight = shared.weights[static_cast<std::size_t>(s * m + j)];
      if (!(weight > 0)) continue;
      clouds.weights.push_back(weight);
      const auto x = points.begin() + j * d;
      clouds.points.insert(clouds.points.end(), x, x + d);
    }
    clouds.offsets.push_back(static_cast<std::int64_t>(clouds.weights.size()));
  }
  return clouds;
}

FreeSupportPopulation build_clouds(Job job) {
  check_data(job);
  if (job.problem.geometry == GeometryKind::clouds)
    job.problem.geometry = job.data.points.empty() && job.data.target_points.empty()
                               ? GeometryKind::grid
                               : GeometryKind::points;
  const auto shared = build_measures_of(job);
  FreeSupportPopulation population;
  population.dimension = shared.geometry.coordinates();
  population.measures = clouds_of(shared);
  population.sets = draw_sets(job, shared.measures);
  population.validate(name_of_data(job), true);
  return population;
}

void write(const CommandContext& context, Report& report, const FreeSupportPopulation& population) {
  const PhaseTimer timer(report, "write");
  const auto file = context.output / "test.h5";
  write_free_supports(file, population);
  const auto& measures = population.measures;
  report.figures()["test"] = {{"measures", measures.count()},
                              {"problems", population.sets.problems()},
                              {"measure_points", measures.offsets.back()},
                              {"dimension", population.dimension},
                              {"file", file.string()}};
  if (context.prints())
    std::cout << fmt::format(
        "{}: {} over {} measures; points of a measure: {}; measures of one: {}\n", file.string(),
        counted(population.sets.problems(), "problems"), measures.count(),
        sizes_text(measures.offsets), sizes_text(population.sets.offsets));
}

}  // namespace

void make_barycenters(const CommandContext& context, Report& report) {
  if (context.job.barycenter.support == BarycenterSupport::free) {
    FreeSupportPopulation population;
    {
      const PhaseTimer timer(report, "build");
      population = build_clouds(context.job);
    }
    return write(context, report, population);
  }
  BarycenterPopulation population;
  {
    const PhaseTimer timer(report, "build");
    population = build(context.job);
  }
  const PhaseTimer timer(report, "write");
  const auto file = context.output / "test.h5";
  write_barycenter_population(file, population);
  report.figures()["test"] = {{"measures", population.measures},
                              {"problems", population.sets.problems()},
                              {"points", population.geometry.n},
                              {"measure_points", population.geometry.m},
                              {"file", file.string()}};
  if (context.prints())
    std::cout << fmt::format("{}: {} over {} measures on {} points; measures of one: {}\n",
                             file.string(), counted(population.sets.problems(), "problems"),
                             population.measures, population.geometry.m,
                             sizes_text(population.sets.offsets));
}

}  // namespace otfleet
