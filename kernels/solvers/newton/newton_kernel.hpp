#pragma once
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/newton/column_side.hpp"
#include "kernels/solvers/newton/instance_loading.hpp"
#include "kernels/solvers/newton/newton_step.hpp"

// A team solves one instance after another: testing the start, and the stages of Newton's method.
// newton.cpp has the host's part.

namespace otfleet::kernels::newton_detail {

template <class ExecutionSpace>
struct NewtonKernel {
  using TeamMember = Team<ExecutionSpace>;

  NewtonBatch<ExecutionSpace> batch;

  KOKKOS_FUNCTION void operator()(const TeamMember& team) const {
    const Workspace w = batch.workspace(team.league_rank());
    const auto& counter = batch.next;
    for (;;) {
      int k = 0;
      Kokkos::single(
          Kokkos::PerTeam(team),
          [&](int& mine) { mine = Kokkos::atomic_fetch_add(&counter(0), 1); }, k);
      if (k >= batch.problems.size()) return;
      if (has_ended<ExecutionSpace>(batch.settings.observer))
        end_before_it_began(batch, team, k);
      else
        solve(team, w, k);
      team.team_barrier();
    }
  }

  /// A pass at w.x in a stage, counted.
  KOKKOS_FUNCTION void evaluate_at(const TeamMember& team, const Workspace& w, Instance& p,
                                   int stage) const {
    p.error = evaluate(batch, team, w, p, w.x, stage, p.state[p.current]);
    p.stage = stage;
    ++p.passes;
  }

  /// Tests the start. Returns true where that ends the instance.
  KOKKOS_FUNCTION bool test_start(const TeamMember& team, const Workspace& w, Instance& p) const {
    if (!p.transposed) {
      if (!load_start(batch, team, p, w.row_point, p.rows, w.a, w.x)) {
        mask(batch, team, p);
        finish(batch, team, p, Status::not_finite);
        return true;
      }
      p.error = evaluate(batch, team, w, p, w.x, 0, p.state[p.current]);
      p.stage = 0;
      if (p.error < batch.truncated_threshold) {
        store_result(batch, team, p, w.row_point, p.rows, w.a, w.x);
        finish(batch, team, p, Status::converged);
        return true;
      }
      return false;
    }
    double* y = w.y;
    const int columns = p.columns;
    if (!load_start(batch, team, p, w.column_point, columns, w.b, y)) {
      mask(batch, team, p);
      finish(batch, team, p, Status::not_finite);
      return true;
    }
    // Columns that fill a block have no potential; this is as good and finite.
    team_for(team, p.fine.blocks * Columns<ExecutionSpace>::width - columns,
             [&](int j) { y[columns + j] = -1e200; });
    if (column_error(batch, team, w, p, y, w.x) < batch.settings.threshold) {
      store_result(batch, team, p, w.column_point, columns, w.b, y);
      finish(batch, team, p, Status::converged);
      return true;
    }
    if (batch.from_zeros) {
      double* x = w.x;
      team_for(team, p.rows, [&](int i) { x[i] = 0; });
    }
    return false;
  }

  /// Finds the stage to begin with and evaluates there.
  KOKKOS_FUNCTION void enter(const TeamMember& team, const Workspace& w, Instance& p) const {
    const int top = batch.top_stage();
    if (batch.from_zeros) {
      if (p.stage != top) evaluate_at(team, w, p, top);
      return;
    }
    if (p.stage < 0) evaluate_at(team, w, p, 0);
    if (p.error <= entry_error || p.passes >= batch.settings.max_iterations) return;
    // Annealing from zeros takes hardly more passes than are needed to mend such a start, whatever
    // epsilon it is taken up at.
    double* x = w.x;
    team_for(team, p.rows, [&](int i) { x[i] = 0; });
    p.from_start = false;
    evaluate_at(team, w, p, top);
  }

  KOKKOS_FUNCTION bool has_passes_left(const Instance& p) const {
    return p.passes < batch.settings.max_iterations &&
           may_go_on<ExecutionSpace>(batch.settings.observer, p.k, p.passes, p.error);
  }

  /// Newton steps at one epsilon until its error is below `enough` or no pass is left.
  KOKKOS_FUNCTION void iterate(const TeamMember& team, const Workspace& w, Instance& p,
                               double enough) const {
    const double epsilon = batch.epsilon_at(p.stage);
    const int rows = p.rows;
    double *x = w.x, *trial = w.trial;
    const double *a = w.a, *step = w.step;
    int rejected = 0;
    p.radius = longest_step;
    const int begin = p.passes;
    const StopRule rule{enough, 1, batch.settings.max_iterations, batch.rounding};
    InstanceControl control;
    while (!(p.error < enough) && has_passes_left(p)) {
      control.iteration = p.passes - begin;
      const auto decision = control.test(rule, p.error);
      p.stalled = p.stage == 0 && decision.stops && decision.why == Status::precision_limit;
      if (p.stalled || (p.from_start && p.passes - begin > patience)) return;
      const Derivatives& here = p.state[p.current];
      Derivatives& there = p.state[1 - p.current];
      const bool fall_back = rejected == most_rejections;
      double predicted = 0;
      if (fall_back) {
        const double tiny = 1e-300;
        team_for(team, rows, [&](int i) {
          const double ratio = a[i] > 1e-13 / rows ? a[i] / max(here.marginal[i], tiny) : 1.0;
          trial[i] = x[i] + epsilon * min(max(log(ratio), -longest_tangent), longest_tangent);
        });
        team.team_barrier();
      } else {
        predicted = newton_step(batch, team, w, p, here, epsilon, p.damping * p.error);
        team_for(team, rows, [&](int i) { trial[i] = x[i] + step[i]; });
      }
      const double error = evaluate(batch, team, w, p, trial, p.stage, there);
      ++p.passes;
      const double linear = team_sum(team, rows, [&](int i) { return a[i] * (trial[i] - x[i]); });
      const double gain = linear + there.smooth - here.smooth;
      const bool finite = error <= infinite;
      if (finite && (fall_back || gain > 1e-4 * predicted || error < p.error)) {
        team_for(team, rows, [&](int i) { x[i] = trial[i]; });
        p.current = 1 - p.current;
        const bool stays = error > 0.9 * p.error;
        p.error = error;
        if (fall_back) {
          p.damping = 1;
        } else if (gain > 0.8 * predicted) {
          // Parts of the plan that hardly overlap must travel until they meet: the error stays,
          // the model is right, and nothing but damping and radius holds them back.
          p.damping = stays ? max(p.damping * 0.1, 1e-9) : max(p.damping * 0.3, 0.01);
          if (p.clipped) p.radius *= 4;
        } else if (stays || gain < 0.3 * predicted) {
          p.damping = max(p.damping, 1e-3) * 5;
        }
        rejected = 0;
      } else {
        if (p.radius > longest_step)
          p.radius = max(longest_step, p.radius / 8);
        else
          p.damping *= 5;
        ++rejected;
        if (fall_back) return;  // not finite: the caller sees the error of the last good state
      }
    }
  }

  KOKKOS_FUNCTION void solve(const TeamMember& team, const Workspace& w, int k) const {
    Instance p = load_instance(batch, team, w, k);
    if (test_start(team, w, p)) return;
    if (batch.settings.max_iterations > 0) enter(team, w, p);
    double enough = batch.truncated_threshold;
    const StopRule column_rule{batch.settings.threshold, 1, batch.settings.max_iterations,
                               batch.rounding};
    InstanceControl columns;  // for the looks at the error on the targets' side
    bool converged = false;
    p.damping = p.stage == 0 && !batch.from_zeros ? 0.1 : 0.3;
    while (has_passes_left(p)) {
      iterate(team, w, p, p.stage == 0 ? enough : batch.enough_for(p.stage));
      if (p.stalled || (!has_passes_left(p) && p.stage > 0)) break;
      if (p.from_start && !(p.error < (p.stage == 0 ? enough : batch.enough_for(p.stage)))) {
        // The start leads nowhere.
        if (p.passes >= batch.settings.max_iterations) break;
        p.from_start = false;
        double* x = w.x;
        team_for(team, p.rows, [&](int i) { x[i] = 0; });
        evaluate_at(team, w, p, batch.top_stage());
        continue;
      }
      if (p.stage > 0) {
        follow_tangent(batch, team, w, p, p.state[p.current], batch.epsilon_at(p.stage),
                       batch.epsilon_at(p.stage - 1));
        p.damping = max(p.damping, 0.1);
        evaluate_at(team, w, p, p.stage - 1);
        continue;
      }
      if (!(p.error < enough)) break;
      if (!p.transposed) {
        converged = true;
        break;
      }
      if (p.passes >= batch.settings.max_iterations) break;
      // Exact on the source side, then tested there; rounding may ask for a little more.
      column_potentials(batch, team, w, p);
      ++p.passes;
      const auto decision = columns.test(column_rule, column_error(batch, team, w, p, w.y, w.rhs));
      converged = decision.stops && decision.why == Status::converged;
      p.stalled = decision.stops && decision.why == Status::precision_limit;
      if (decision.stops) break;
      ++columns.iteration;
      enough *= 0.5;
    }
    if (p.transposed && !converged) column_potentials(batch, team, w, p);
    // The last pass may have been the one that got there.
    converged = converged || (!p.transposed && p.stage == 0 && p.error < batch.truncated_threshold);
    if (p.transposed)
      store_result(batch, team, p, w.column_point, p.columns, w.b, w.y);
    else
      store_result(batch, team, p, w.row_point, p.rows, w.a, w.x);
    finish(batch, team, p,
           !(p.error <= infinite) ? Status::not_finite
           : converged            ? Status::converged
           : p.stalled            ? Status::precision_limit
           : p.passes < batch.settings.max_iterations &&
                   has_ended<ExecutionSpace>(batch.settings.observer)
               ? Status::ended
               : Status::iteration_limit);
  }
};

}  // namespace otfleet::kernels::newton_detail
