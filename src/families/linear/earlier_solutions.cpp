#include "src/families/linear/earlier_solutions.hpp"

#include <algorithm>
#include <utility>

#include "kernels/api/initializers.hpp"
#include "src/populations/sequences.hpp"

namespace otfleet {
namespace {

/// Of the extrapolation to the third problem of a sequence, before any was seen.
constexpr double first_share = 1;

}  // namespace

EarlierSolutions::EarlierSolutions(const BatchSolver& solver, const PopulationView& population)
    : solver_(solver), population_(population), offsets_(sequence_offsets(population.sequence())) {}

std::size_t EarlierSolutions::sequence_of(std::int64_t problem) const {
  const auto next = std::upper_bound(offsets_.begin(), offsets_.end(), problem);
  return static_cast<std::size_t>(next - offsets_.begin()) - 1;
}

bool EarlierSolutions::is_last(std::int64_t problem) const {
  return problem + 1 == offsets_[sequence_of(problem) + 1];
}

bool EarlierSolutions::has_before(std::int64_t problem) const {
  const auto found = states_.find(sequence_of(problem));
  return found != states_.end() && found->second.solved + 1 == problem;
}

const EarlierSolutions::State& EarlierSolutions::state_before(std::int64_t problem) const {
  return states_.at(sequence_of(problem));
}

std::vector<std::vector<std::int64_t>> EarlierSolutions::waves(distributed::Shard rows) const {
  std::vector<std::vector<std::int64_t>> waves;
  for (std::int64_t begin = rows.begin; begin < rows.end;) {
    const std::int64_t end = std::min(rows.end, offsets_[sequence_of(begin) + 1]);
    for (std::size_t wave = 0; begin < end; ++wave, ++begin) {
      if (wave == waves.size()) waves.emplace_back();
      waves[wave].push_back(begin);
    }
  }
  return waves;
}

/// The potential of the problem before, or with `back` = 1 of the one before that, at the source
/// points of `which`.
DeviceArray<double> EarlierSolutions::potentials(const std::vector<std::int64_t>& which,
                                                 std::size_t back, double tolerance) const {
  std::vector<std::int32_t> sources, targets;
  for (const std::int64_t k : which) {
    sources.push_back(population_.sources()[static_cast<std::size_t>(k)]);
    targets.push_back(state_before(k).target[back]);
  }
  const auto problems = solver_.measures().between(sources, targets);
  const auto offsets = problems.target_offsets();
  const DeviceArray<double> g(uninitialized, "otfleet::solver::earlier_g",
                              static_cast<std::size_t>(offsets.back()));
  for (std::size_t s = 0; s < which.size(); ++s)
    g.rows(static_cast<std::size_t>(offsets[s]), static_cast<std::size_t>(offsets[s + 1]))
        .copy_from(state_before(which[s]).g[back]);
  const DeviceArray<double> f(uninitialized, "otfleet::solver::earlier_f",
                              static_cast<std::size_t>(problems.source_offsets().back()));
  kernels::half_step(problems, solver_.epsilon(), tolerance, g, f, kernels::Side::source);
  return f;
}

EarlierPotentials EarlierSolutions::at(std::span<const std::int64_t> which,
                                       const kernels::Problems& problems, double tolerance) const {
  EarlierPotentials result;
  std::vector<std::int64_t> twice;
  std::vector<std::int32_t> twice_at;
  std::vector<double> share;
  for (std::size_t s = 0; s < which.size(); ++s) {
    const State& state = state_before(which[s]);
    share.push_back(state.known == 2 ? state.share : 0);
    if (state.known < 2) continue;
    twice.push_back(which[s]);
    twice_at.push_back(static_cast<std::int32_t>(s));
  }
  result.near = potentials({which.begin(), which.end()}, 0, tolerance);
  if (twice.size() == which.size()) {
    result.far = potentials(twice, 1, tolerance);
  } else {
    result.far =
        DeviceArray<double>(uninitialized, "otfleet::solver::earlier_f", result.near.size());
    result.far.copy_from(result.near);
    if (!twice.empty())
      kernels::scatter_problems(problems.source_offsets(), twice_at,
                                potentials(twice, 1, tolerance), result.far);
  }
  result.share = DeviceArray<double>("otfleet::solver::share", share.size());
  result.share.upload(share);
  return result;
}

void EarlierSolutions::keep(std::span<const std::int64_t> which, const kernels::Problems& problems,
                            const DeviceArray<double>& f, const EarlierPotentials& started,
                            double tolerance) {
  std::vector<double> share(which.size(), first_share);
  if (started.any()) {
    const DeviceArray<double> fitted("otfleet::solver::share", share.size());
    kernels::fit_extrapolation(problems, started.near, started.far, f, fitted);
    share = fitted.download();
  }
  const auto offsets = problems.source_offsets();
  std::vector<std::int32_t> going_on;
  for (std::size_t s = 0; s < which.size(); ++s)
    if (is_last(which[s]))
      states_.erase(sequence_of(which[s]));
    else
      going_on.push_back(static_cast<std::int32_t>(s));
  if (going_on.empty()) return;
  kernels::Problems some = problems;
  DeviceArray<double> some_f = f;
  if (going_on.size() < which.size()) {
    some = problems.select(going_on);
    some_f = DeviceArray<double>(uninitialized, "otfleet::solver::earlier_f",
                                 static_cast<std::size_t>(some.source_offsets().back()));
    kernels::gather_problems(offsets, going_on, f, some_f);
  }
  const auto target_offsets = some.target_offsets();
  const DeviceArray<double> g(uninitialized, "otfleet::solver::earlier_g",
                              static_cast<std::size_t>(target_offsets.back()));
  kernels::half_step(some, solver_.epsilon(), tolerance, some_f, g, kernels::Side::target);
  for (std::size_t at = 0; at < going_on.size(); ++at) {
    const auto s = static_cast<std::size_t>(going_on[at]);
    const std::int64_t problem = which[s];
    const bool follows = has_before(problem);
    State& state = states_[sequence_of(problem)];
    // Of the second problem nothing could be extrapolated.
    state.share = follows && state.known == 2 ? share[s] : first_share;
    state.known = follows ? 2 : 1;
    state.solved = problem;
    state.target = {population_.targets()[static_cast<std::size_t>(problem)], state.target[0]};
    state.g = {g.rows(static_cast<std::size_t>(target_offsets[at]),
                      static_cast<std::size_t>(target_offsets[at + 1])),
               std::move(state.g[0])};
  }
}

}  // namespace otfleet
