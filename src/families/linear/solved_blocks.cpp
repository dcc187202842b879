#include "src/families/linear/solved_blocks.hpp"

#include <span>
#include <utility>

#include "kernels/problems/status.hpp"
#include "src/runs/append.hpp"

namespace otfleet {
namespace {

using kernels::Status;
using kernels::UnbalancedResult;

/// What belongs to a problem.
DeviceArray<double> part(const DeviceArray<double>& flat, const std::vector<std::int64_t>& offsets,
                         std::int32_t problem) {
  const auto k = static_cast<std::size_t>(problem);
  return flat.rows(static_cast<std::size_t>(offsets[k]), static_cast<std::size_t>(offsets[k + 1]));
}

/// Figures of some problems to those of all, or back.
void copy_figures(const UnbalancedResult& from, std::int32_t at, const UnbalancedResult& to,
                  std::int32_t target) {
  const auto source = static_cast<std::size_t>(at), row = static_cast<std::size_t>(target);
  for (const auto figure : {&UnbalancedResult::mass_potential, &UnbalancedResult::dual_value,
                            &UnbalancedResult::primal_value, &UnbalancedResult::transport_cost,
                            &UnbalancedResult::transported_mass, &UnbalancedResult::residual})
    (to.*figure).rows(row, row + 1).copy_from((from.*figure).rows(source, source + 1));
}

}  // namespace

BalancedBlock::BalancedBlock(const BatchSolver& solver, const SolverOptions& settings, Batch& batch,
                             SolveCounts& counts)
    : solver_(solver),
      settings_(settings),
      batch_(batch),
      counts_(counts),
      offsets_(batch.problems.source_offsets()) {}

void BalancedBlock::run(const std::vector<std::int32_t>& which, std::int64_t limit,
                        kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
                        std::vector<std::int32_t>& status) {
  settings_.max_iterations = limit;
  if (which.size() == static_cast<std::size_t>(batch_.size())) {
    solver_.solve(batch_, settings_, counts_, &observer);
    iterations = batch_.progress.iterations.download();
    status = batch_.progress.status.download();
  } else {
    batch_.write_learned(solver_.epsilon());
    Batch some(batch_.problems.select(which));
    kernels::gather_problems(offsets_, which, batch_.f, some.f);
    solver_.solve(some, settings_, counts_, &observer);
    kernels::scatter_problems(offsets_, which, some.f, batch_.f);
    iterations = some.progress.iterations.download();
    status = some.progress.status.download();
  }
  if (batch_.from_zeros || batch_.learned.any()) write_starts(which, iterations, status);
}

/// Of problems that nobody began, what f does not hold yet.
void BalancedBlock::write_starts(const std::vector<std::int32_t>& which,
                                 const std::vector<std::int32_t>& iterations,
                                 const std::vector<std::int32_t>& status) {
  std::vector<std::int32_t> untouched;
  for (std::size_t s = 0; s < which.size(); ++s)
    if (iterations[s] == 0 && status[s] == static_cast<int>(Status::ended))
      untouched.push_back(which[s]);
  DeviceArray<double> starts;  // zeros
  if (!untouched.empty()) {
    starts = DeviceArray<double>("otfleet::solver::starts", batch_.f.size());
    if (batch_.learned.any())
      kernels::learned_potential(batch_.problems, solver_.epsilon(), batch_.learned, starts);
  }
  for (const std::int32_t k : untouched) row(k).copy_from(part(starts, offsets_, k));
  batch_.from_zeros = false;
  batch_.learned = {};
}

std::vector<double> BalancedBlock::potential(std::int32_t problem) const {
  return row(problem).download();
}

void BalancedBlock::set_potential(std::int32_t problem, const std::vector<double>& values) {
  if (batch_.from_zeros) batch_.f.fill(0);
  batch_.from_zeros = false;
  batch_.write_learned(solver_.epsilon());
  row(problem).upload(values);
}

DeviceArray<double> BalancedBlock::row(std::int32_t problem) const {
  return part(batch_.f, offsets_, problem);
}

UnbalancedBlock::UnbalancedBlock(const kernels::Problems& problems,
                                 const kernels::UnbalancedSettings& settings,
                                 const UnbalancedResult& result)
    : problems_(problems),
      settings_(settings),
      result_(result),
      source_offsets_(problems.source_offsets()),
      target_offsets_(problems.target_offsets()) {}

void UnbalancedBlock::run(const std::vector<std::int32_t>& which, std::int64_t limit,
                          kernels::IterationObserver& observer,
                          std::vector<std::int32_t>& iterations,
                          std::vector<std::int32_t>& status) {
  settings_.max_iterations = static_cast<int>(limit);
  settings_.observer = &observer;
  if (which.size() == static_cast<std::size_t>(problems_.size())) {
    kernels::solve_unbalanced(problems_, settings_, result_);
    iterations = result_.iterations.download();
    status = result_.status.download();
  } else {
    const auto chosen = problems_.select(which);
    const UnbalancedResult some(chosen.size(),
                                static_cast<std::size_t>(chosen.source_offsets().back()),
                                static_cast<std::size_t>(chosen.target_offsets().back()));
    kernels::gather_problems(source_offsets_, which, result_.f, some.f);
    kernels::gather_problems(target_offsets_, which, result_.g, some.g);
    for (std::size_t s = 0; s < which.size(); ++s)
      copy_figures(result_, which[s], some, static_cast<std::int32_t>(s));
    kernels::solve_unbalanced(chosen, settings_, some);
    kernels::scatter_problems(source_offsets_, which, some.f, result_.f);
    kernels::scatter_problems(target_offsets_, which, some.g, result_.g);
    for (std::size_t s = 0; s < which.size(); ++s)
      copy_figures(some, static_cast<std::int32_t>(s), result_, which[s]);
    iterations = some.iterations.download();
    status = some.status.download();
  }
  settings_.from_solution = true;
}

std::vector<double> UnbalancedBlock::potential(std::int32_t problem) const {
  const auto k = static_cast<std::size_t>(problem);
  std::vector<double> values = part(result_.f, source_offsets_, problem).download();
  append(values, part(result_.g, target_offsets_, problem));
  append(values, result_.mass_potential.rows(k, k + 1));
  return values;
}

void UnbalancedBlock::set_potential(std::int32_t problem, const std::vector<double>& values) {
  if (!settings_.from_solution) start_all();
  const auto k = static_cast<std::size_t>(problem);
  std::span<const double> rest(values);
  for (const auto& to :
       {part(result_.f, source_offsets_, problem), part(result_.g, target_offsets_, problem),
        result_.mass_potential.rows(k, k + 1)}) {
    to.upload(rest.first(to.size()));
    rest = rest.subspan(to.size());
  }
}

/// Every problem as the solver would begin: with none left to iterate, that is all it does.
void UnbalancedBlock::start_all() {
  auto no_iterations = settings_;
  no_iterations.max_iterations = 0;
  kernels::solve_unbalanced(problems_, no_iterations, result_);
  settings_.from_solution = true;
}

}  // namespace otfleet
