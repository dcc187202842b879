#include "src/families/linear/population_solver.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/runtime.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/solved_blocks.hpp"
#include "src/populations/feasibility.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// Instances on the device at once: enough to fill it, little memory.
constexpr std::int64_t chunk_size = 4096;

/// Work that a problem between clouds takes besides its pairs of points, in pairs: for each point,
/// and once.
constexpr double work_of_point = 10, work_of_problem = 400;

template <class Body>
void for_chunks(Shard shard, const Body& body) {
  for (std::int64_t first = shard.begin; first < shard.end; first += chunk_size)
    body(Shard{first, std::min(first + chunk_size, shard.end)});
}

/// Of the problems `rows`.
std::span<const std::int32_t> part(std::span<const std::int32_t> measures, Shard rows) {
  return measures.subspan(static_cast<std::size_t>(rows.begin),
                          static_cast<std::size_t>(rows.size()));
}

std::vector<double> find_pairs(const PopulationView& population) {
  if (population.clouds() == nullptr) return {};
  const auto sources = population.supports(true), targets = population.supports(false);
  std::vector<double> before = {0};
  for (std::int64_t k = 0; k < population.problems(); ++k) {
    const auto at = static_cast<std::size_t>(k);
    const double n = sources[static_cast<std::size_t>(population.sources()[at])];
    const double m = targets[static_cast<std::size_t>(population.targets()[at])];
    before.push_back(before.back() + n * m + work_of_point * (n + m) + work_of_problem);
  }
  return before;
}

}  // namespace

PopulationSolver::PopulationSolver(const PopulationView& population, double epsilon)
    : population_(population),
      geometry_(population.geometry()),
      solver_(population.on_device(epsilon), epsilon, mean_supports(population)),
      pairs_before_(find_pairs(population)),
      earlier_(solver_, population) {}

std::string PopulationSolver::complaint(const std::string& name) const {
  const Initializer& initializer = initializer_named(name);
  if (initializer.needs_sequences() && !earlier_.any_sequences())
    return "needs problems that form sequences, and this population does not say which do: give it "
           "/problems/sequence, an integer a problem, the same within a sequence, or build it with "
           "make.sequence_length";
  return initializer.complaint(geometry_);
}

std::vector<std::int64_t> PopulationSolver::sequences(const SolverOptions& settings) const {
  if (!initializer_named(settings.initializer).needs_sequences()) return {};
  return earlier_.offsets();
}

void PopulationSolver::check_feasible(const std::string& name, std::int64_t first,
                                      std::int64_t step) const {
  if (const auto* shared = population_.shared_points())
    otfleet::check_feasible(name, *shared, solver_.measures().table(), first, step);
}

std::unique_ptr<StartPredictor> PopulationSolver::make_predictor(const StartModel& model) const {
  return model.predictor(solver_.measures());
}

double PopulationSolver::work(Shard rows, const SolverOptions& settings,
                              const StartPredictor* predictor) const {
  if (!pairs_before_.empty())
    return pairs_before_[static_cast<std::size_t>(rows.end)] -
           pairs_before_[static_cast<std::size_t>(rows.begin)];
  if (!sequences(settings).empty()) return static_cast<double>(rows.size());
  constexpr std::int64_t most_sampled = 8;
  constexpr double iterations_besides = 10;   // the start, the certificate
  constexpr double iterations_per_efold = 2;  // on digits at epsilon = 1e-2
  const std::int64_t sampled = std::min(rows.size(), most_sampled);
  if (sampled == 0) return 0;
  const std::int64_t first = rows.begin + (rows.size() - sampled) / 2;
  const double sum = error_sums({first, first + sampled}, settings, predictor, 1)[0];
  const double error = sum / static_cast<double>(sampled);
  const double efolds = error > settings.threshold ? std::log(error / settings.threshold) : 0;
  return static_cast<double>(rows.size()) * (iterations_besides + iterations_per_efold * efolds);
}

std::int64_t PopulationSolver::most_bytes(const SolutionOptions& wanted) const {
  const bool same_sizes = population_.clouds() == nullptr;
  const std::int64_t looked_at =
      same_sizes ? std::min<std::int64_t>(population_.problems(), 1) : population_.problems();
  std::int64_t most = 0;
  for (std::int64_t k = 0; k < looked_at; ++k) {
    const auto n = population_.source_points(k), m = population_.target_points(k);
    const std::int64_t potentials =
        wanted.potentials ? (n + m) * static_cast<std::int64_t>(sizeof(double)) : 0;
    most = std::max(most, plan_output_bytes(wanted, n, m, geometry_.coordinates) + potentials);
  }
  return most;
}

kernels::Problems PopulationSolver::problems(Shard rows) const {
  return solver_.measures().between(part(population_.sources(), rows),
                                    part(population_.targets(), rows));
}

kernels::Problems PopulationSolver::problems(std::span<const std::int64_t> which) const {
  std::vector<std::int32_t> sources, targets;
  for (const std::int64_t k : which) {
    sources.push_back(population_.sources()[static_cast<std::size_t>(k)]);
    targets.push_back(population_.targets()[static_cast<std::size_t>(k)]);
  }
  return solver_.measures().between(sources, targets);
}

Batch PopulationSolver::start(Shard rows, const SolverOptions& settings,
                              const StartPredictor* predictor, SolveSeconds& seconds) const {
  Batch batch(problems(rows));
  const StopWatch watch(seconds.start);
  const Initializer& initializer = initializer_named(settings.initializer);
  batch.from_zeros = initializer.is_zero();
  if (initializer.needs_model())
    predictor->predict(batch.problems, part(population_.sources(), rows),
                       part(population_.targets(), rows), solver_.epsilon(), batch.learned,
                       batch.f);
  else if (!batch.from_zeros)
    initializer.compute({geometry_, solver_.epsilon(), arithmetic_of(settings), batch.problems},
                        batch.f);
  kernels::fence();
  return batch;
}

void PopulationSolver::iterate(Batch& batch, std::vector<std::int64_t> which,
                               const SolverOptions& settings, SolveSeconds& seconds,
                               SolveCounts& counts, SolveControl* control) const {
  const StopWatch watch(seconds.iterate);
  if (control == nullptr) return solver_.solve(batch, settings, counts);
  BalancedBlock block(solver_, settings, batch, counts);
  std::vector<std::int32_t> iterations, status;
  control->solve(std::move(which), settings.max_iterations, block, iterations, status);
  batch.progress.iterations.upload(iterations);
  batch.progress.status.upload(status);
}

Batch PopulationSolver::solve_rows(Shard rows, const SolverOptions& settings,
                                   const StartPredictor* predictor, SolveSeconds& seconds,
                                   SolveCounts& counts, SolveControl* control) const {
  if (!sequences(settings).empty())
    return solve_sequences(rows, settings, seconds, counts, control);
  Batch batch = start(rows, settings, predictor, seconds);
  std::vector<std::int64_t> which(static_cast<std::size_t>(rows.size()));
  std::iota(which.begin(), which.end(), rows.begin);
  iterate(batch, std::move(which), settings, seconds, counts, control);
  return batch;
}

Batch PopulationSolver::solve_sequences(Shard rows, const SolverOptions& settings,
                                        SolveSeconds& seconds, SolveCounts& counts,
                                        SolveControl* control, const OnStart& on_start) const {
  Batch all(problems(rows));
  const auto offsets = all.problems.source_offsets();
  std::vector<std::int32_t> iterations(static_cast<std::size_t>(rows.size())),
      status(iterations.size());
  // Of a start no more digits than of the solution, which floats do not have.
  const double tolerance =
      settings.precision == Precision::in_float ? INFINITY : settings.threshold / 10;
  // Those that nothing is known for apart: their start is another one, and maybe their method.
  const auto solve_some = [&](const std::vector<std::int64_t>& which, bool follow) {
    if (which.empty()) return;
    SolverOptions own = settings;
    if (!follow) own.initializer = settings.first_initializer;
    const Initializer& initializer = initializer_named(own.initializer);
    Batch batch(problems(which));
    EarlierPotentials earlier;
    {
      const StopWatch watch(seconds.start);
      if (follow) earlier = earlier_.at(which, batch.problems, tolerance);
      batch.from_zeros = initializer.is_zero();
      if (!batch.from_zeros)
        initializer.compute({geometry_, solver_.epsilon(), arithmetic_of(own), batch.problems,
                             follow ? &earlier : nullptr},
                            batch.f);
      kernels::fence();
    }
    if (on_start) on_start(batch, own);
    iterate(batch, which, own, seconds, counts, control);
    const auto made = batch.progress.iterations.download();
    const auto ended = batch.progress.status.download();
    std::vector<std::int32_t> places;
    for (std::size_t s = 0; s < which.size(); ++s) {
      places.push_back(static_cast<std::int32_t>(which[s] - rows.begin));
      iterations[static_cast<std::size_t>(places.back())] = made[s];
      status[static_cast<std::size_t>(places.back())] = ended[s];
    }
    kernels::scatter_problems(offsets, places, batch.f, all.f);
    const StopWatch watch(seconds.start);
    earlier_.keep(which, batch.problems, batch.f, earlier, tolerance);
    kernels::fence();
  };
  for (const auto& wave : earlier_.waves(rows)) {
    std::vector<std::int64_t> first, following;
    for (const std::int64_t problem : wave)
      (earlier_.has_before(problem) ? following : first).push_back(problem);
    solve_some(first, false);
    solve_some(following, true);
  }
  all.progress.iterations.upload(iterations);
  all.progress.status.upload(status);
  return all;
}

Solutions PopulationSolver::solve(Shard shard, const SolverOptions& settings,
                                  const StartPredictor* predictor, const SolutionOptions& wanted,
                                  SolveSeconds& seconds, SolveControl* control) const {
  Solutions all;
  const bool in_sequences = !sequences(settings).empty();
  double most_left_out = 0;
  const auto allow = [&](const SolverOptions& some) {
    for (const auto& stage : choose(some).stages)
      most_left_out = std::max(most_left_out, stage.method->most_left_out(some));
  };
  allow(settings);
  if (in_sequences) {
    SolverOptions first = settings;
    first.initializer = settings.first_initializer;
    allow(first);
  }
  std::vector<std::int64_t> source_offsets = {0}, target_offsets = {0};
  for_chunks(shard, [&](Shard rows) {
    const Batch batch = solve_rows(rows, settings, predictor, seconds, all.counts, control);
    // Of several problems of a sequence the last alone is saved.
    const bool all_saved = control != nullptr && (!in_sequences || rows.size() == 1);
    const auto at_once = all_saved ? control->may_end_at_once() : std::nullopt;
    all.add(batch, solver_.epsilon(), wanted, seconds, most_left_out);
    for (std::int64_t k = rows.begin; k < rows.end; ++k) {
      source_offsets.push_back(source_offsets.back() + population_.source_points(k));
      target_offsets.push_back(target_offsets.back() + population_.target_points(k));
    }
  });
  all.set_status(settings.threshold, source_offsets, target_offsets);
  derive(shard, block_ascent_settings(settings, solver_.epsilon()), wanted, all, seconds);
  return all;
}

void PopulationSolver::derive(Shard shard, const kernels::UnbalancedSettings& settings,
                              const SolutionOptions& wanted, Solutions& all,
                              SolveSeconds& seconds) const {
  if (!wanted.derives_values()) return;
  const StopWatch watch(seconds.certify);
  if (!derived_) derived_.emplace(population_);
  derived_->add(shard, settings, wanted, all);
}

Solutions PopulationSolver::solve_unbalanced(Shard shard, const ProblemOptions& problem,
                                             const SolverOptions& solver,
                                             const StartPredictor* predictor,
                                             const SolutionOptions& wanted, SolveSeconds& seconds,
                                             SolveControl* control) const {
  auto settings = unbalanced_settings(problem, solver, solver_.epsilon());
  Solutions all;
  for_chunks(shard, [&](Shard rows) {
    Batch batch = start(rows, solver, predictor, seconds);
    const StopWatch watch(seconds.iterate);
    batch.write_learned(solver_.epsilon());
    settings.from_solution = !batch.from_zeros;
    const auto result = unbalanced_start(batch);
    if (settings.from_solution)
      kernels::soft_c_transform(batch.problems, solver_.epsilon(), result.f, result.g);
    std::vector<std::int32_t> iterations, status;
    if (control != nullptr) {
      UnbalancedBlock block(batch.problems, settings, result);
      control->solve(rows, settings.max_iterations, block, iterations, status);
    } else {
      kernels::solve_unbalanced(batch.problems, settings, result);
      iterations = result.iterations.download();
      status = result.status.download();
    }
    all.add(result, wanted, iterations, status);
  });
  derive(shard, settings, wanted, all, seconds);
  return all;
}

std::vector<std::int32_t> PopulationSolver::count_iterations(
    Shard shard, const SolverOptions& settings, const StartPredictor* predictor,
    SolveSeconds& seconds, StatusCounts& statuses, SolveCounts& counts) const {
  std::vector<std::int32_t> iterations, status;
  for_chunks(shard, [&](Shard rows) {
    const Batch batch = solve_rows(rows, settings, predictor, seconds, counts, nullptr);
    append(iterations, batch.progress.iterations);
    append(status, batch.progress.status);
  });
  statuses.add(status);
  return iterations;
}

std::vector<double> PopulationSolver::error_sums(Shard shard, SolverOptions settings,
                                                 const StartPredictor* predictor,
                                                 std::int64_t length) const {
  std::vector<double> sums(static_cast<std::size_t>(length), 0.0);
  SolveSeconds ignored;
  const bool in_sequences = !sequences(settings).empty();
  for_chunks(shard, [&](Shard rows) {
    if (!in_sequences) return add_trace(start(rows, settings, predictor, ignored), settings, sums);
    SolveCounts counts;
    SolverOptions solved = settings;
    solved.acceleration = Acceleration::momentum;
    solve_sequences(rows, solved, ignored, counts, nullptr,
                    [&](const Batch& batch, SolverOptions own) {
                      own.acceleration = settings.acceleration;
                      add_trace(batch, own, sums);
                    });
  });
  return sums;
}

/// Adds the errors of Sinkhorn's iteration from a start, which stays as it is.
void PopulationSolver::add_trace(const Batch& start, SolverOptions settings,
                                 std::vector<double>& sums) const {
  settings.threshold = 1e-300;  // never: every instance runs its whole trace
  Batch batch(start.problems);
  batch.from_zeros = start.from_zeros;
  batch.learned = start.learned;
  batch.f.copy_from(start.f);
  const DeviceArray<double, 2> trace("otfleet::solver::trace",
                                     static_cast<std::size_t>(batch.size()), sums.size());
  solver_.sinkhorn(batch, settings, static_cast<std::int64_t>(sums.size()) - 1, trace);
  const auto host = trace.host();
  for (std::size_t at = 0; at < host.size(); ++at) sums[at % sums.size()] += host[at];
}

}  // namespace otfleet
