#pragma once
#include "kernels/solvers/barycenter/barycenter_tiles.hpp"

namespace otfleet::kernels {

/// Both half-steps of every measure, and the mean of them that is the barycenter.
template <class Batch>
struct BarycenterMeans {
  using Domain = typename Batch::Domain;
  using L = typename Batch::L;
  using Pack = typename Batch::Pack;
  using Value = typename Batch::Value;
  using TeamMember = typename Batch::TeamMember;
  using Places = typename Batch::Places;
  using State = typename Batch::State;

  /// v = (b/K'u)^tau and y = K v of every measure, and the barycenter that follows from all y.
  KOKKOS_FUNCTION static void half_steps(const Batch& batch, const TeamMember& team,
                                         const Places& place, const State& s) {
    double* const means = place.work.array(Batch::log_mean);
    clear_means(batch, team, means);
    for (int t = 0; t < s.tiles; ++t) {
      fit_target(batch, team, place, s, t);
      double *const y = place.array(Batch::applied, t), *const log_y =
                                                            place.array(Batch::log_applied, t);
      Domain::apply(team, batch.to_source.within(s.support, batch.to_source.to),
                    place.work.array(Batch::right), y, place.work, Batch::scratch);
      const double* const share = place.lane(Batch::weight, t);
      for_rows<L>(team, batch.to_source.to, [&](int row, int pack) {
        const Pack logarithm = Domain::logarithm(Domain::load(y, row, pack));
        store_plain<L>(log_y, row, pack, logarithm);
        store_plain<L>(
            means, row, pack,
            load_plain<L>(means, row, pack) + L::load(share + pack * L::pack_width) * logarithm);
      });
    }
    if (batch.settings.tau < 1)
      power_mean(batch, team, place, s);
    else
      geometric_mean(batch, team, place, means);
    double *const p = place.row(Batch::barycenter), *const log_p = place.row(Batch::log_barycenter);
    const double* const d = place.row(Batch::log_blur);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()), [&](int i) {
      if (batch.settings.debiased) log_p[i] += d[i];
      p[i] = ::exp(log_p[i]);
      double planes[Domain::planes];
      Domain::from_exponent(log_p[i], 0.0, planes);
      for (int plane = 0; plane < Domain::planes; ++plane)
        place.row(Batch::stored)[plane * batch.n() + i] = planes[plane];
    });
    team.team_barrier();
  }

  /// Work::right from u, within the support.
  KOKKOS_FUNCTION static void fit_target(const Batch& batch, const TeamMember& team,
                                         const Places& place, const State& s, int t) {
    const AxisChain<double> chain = batch.to_target.within(batch.to_target.from, s.support);
    double* const v = place.work.array(Batch::right);
    const double* const b = place.array(Batch::measure, t);
    const Pack power(batch.settings.tau), shift(batch.cost_minimum / batch.settings.epsilon),
        none(0.0), one(1.0);
    const bool exact = batch.is_exact();
    Domain::apply(team, chain, place.array(Batch::left, t), v, place.work, Batch::scratch);
    for_rows<L>(team, chain.to, [&](int row, int pack) {
      const Pack wanted = load_plain<L>(b, row, pack);
      Value fitted = Domain::fit(wanted, Domain::load(v, row, pack));
      if (!exact) {
        // The tables are without the smallest cost, which y gets back here.
        const Pack logarithm = power * (Domain::logarithm(fitted) + shift) - shift;
        const Value root = value_of_logarithm<Domain>(logarithm);
        fitted = Domain::scale(root, if_greater(wanted, none, one, none));
      }
      Domain::store(v, row, pack, fitted);
    });
  }

  KOKKOS_FUNCTION static void clear_means(const Batch& batch, const TeamMember& team,
                                          double* means) {
    for_rows<L>(team, batch.to_source.to,
                [&](int row, int pack) { store_plain<L>(means, row, pack, Pack(0.0)); });
  }

  KOKKOS_FUNCTION static void geometric_mean(const Batch& batch, const TeamMember& team,
                                             const Places& place, const double* means) {
    double* const log_p = place.row(Batch::log_barycenter);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()), [&](int i) {
      double sum = 0;
      for (int lane = 0; lane < L::width; ++lane)
        sum += means[static_cast<long>(i) * L::width + lane];
      log_p[i] = sum;
    });
    team.team_barrier();
  }

  /// log p = log(sum_s w_s y_s^(1 − tau))/(1 − tau).
  KOKKOS_FUNCTION static void power_mean(const Batch& batch, const TeamMember& team,
                                         const Places& place, const State& s) {
    const double power = 1 - batch.settings.tau,
                 lowest = -Kokkos::Experimental::finite_max<double>::value;
    double *const log_p = place.row(Batch::log_barycenter), *const means =
                                                                place.work.array(Batch::log_mean);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()),
                         [&](int i) { log_p[i] = lowest; });
    team.team_barrier();
    for (int t = 0; t < s.tiles; ++t) {
      const double* const log_y = place.array(Batch::log_applied, t);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()), [&](int i) {
        for (int lane = 0; lane < L::width; ++lane) {
          const double logarithm = log_y[static_cast<long>(i) * L::width + lane];
          if (logarithm > log_p[i]) log_p[i] = logarithm;
        }
      });
      team.team_barrier();
    }
    clear_means(batch, team, means);
    for (int t = 0; t < s.tiles; ++t) {
      const double *const log_y = place.array(Batch::log_applied, t), *const share = place.lane(
                                                                          Batch::weight, t);
      for_rows<L>(team, batch.to_source.to, [&](int row, int pack) {
        const Pack below = load_plain<L>(log_y, row, pack) - Pack(log_p[row]);
        store_plain<L>(means, row, pack,
                       load_plain<L>(means, row, pack) +
                           L::load(share + pack * L::pack_width) * exp(Pack(power) * below));
      });
    }
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()), [&](int i) {
      double sum = 0;
      for (int lane = 0; lane < L::width; ++lane)
        sum += means[static_cast<long>(i) * L::width + lane];
      log_p[i] += ::log(sum) / power;
    });
    team.team_barrier();
  }
};

}  // namespace otfleet::kernels
