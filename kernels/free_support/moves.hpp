#pragma once
#include <cstdint>
#include <vector>

#include "kernels/host_values.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/team_loops.hpp"

// Where the points of barycenters with free support move to, and how far that is. The transports of
// problem a are begin[a] … begin[a + 1] − 1, each with its measure and its share in the mean.

namespace otfleet::kernels {

/// The values of a View.
template <class View>
auto host_copy(const View& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<typename View::non_const_value_type>(host.data(), host.data() + host.size());
}

/// Per problem the root of the mean squared distance of the measures' points from their mean, with
/// the weights of the points and the shares of the measures; 1 where all points are one.
template <class ExecutionSpace>
std::vector<double> find_spreads(const ExecutionSpace& space,
                                 const CloudMeasures<ExecutionSpace>& measures,
                                 const std::vector<std::int64_t>& begin,
                                 const std::vector<int>& measure,
                                 const std::vector<double>& share) {
  const int count = static_cast<int>(begin.size()) - 1, d = measures.dimension();
  const Vector<double, ExecutionSpace> spread("otfleet::free_support::spread", count);
  const Matrix<double, ExecutionSpace> mean("otfleet::free_support::mean", count, d);
  const auto transports = copy_to_device<ExecutionSpace>("otfleet::free_support::begin", begin);
  const auto of = copy_to_device<ExecutionSpace>("otfleet::free_support::measure", measure);
  const auto shares = copy_to_device<ExecutionSpace>("otfleet::free_support::share", share);
  const auto offsets =
      copy_to_device<ExecutionSpace>("otfleet::free_support::offsets", measures.offsets());
  const auto weights = measures.weights();
  const auto points = measures.points();
  Kokkos::parallel_for(
      "otfleet::free_support::find_spreads", team_each(space, count),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int a = team.league_rank();
        const auto sum = [&](const auto& term) {
          double total = 0;
          for (std::int64_t t = transports(a); t < transports(a + 1); ++t) {
            const std::int64_t first = offsets(of(t));
            const int size = static_cast<int>(offsets(of(t) + 1) - first);
            const double one =
                team_sum(team, size, [&](int i) { return weights(first + i) * term(first + i); });
            if (shares(t) > 0) total += shares(t) * one;
          }
          return total;
        };
        for (int c = 0; c < d; ++c) {
          const double center = sum([&](std::int64_t i) { return points(i, c); });
          Kokkos::single(Kokkos::PerTeam(team), [&]() { mean(a, c) = center; });
          team.team_barrier();
        }
        const double square = sum([&](std::int64_t i) {
          double distance = 0;
          for (int c = 0; c < d; ++c) {
            const double apart = points(i, c) - mean(a, c);
            distance += apart * apart;
          }
          return distance;
        });
        Kokkos::single(Kokkos::PerTeam(team),
                       [&]() { spread(a) = square > 0 ? ::sqrt(square) : 1.0; });
      });
  space.fence();
  return host_copy(spread);
}

/// Of every problem, with the weights of its points as shares: the mean squared distance of a move,
/// and the mean of its inner product with the way from where the last one went to where it goes.
struct FoundMoves {
  std::vector<double> square, along;
};

/// moved [problems · n, d] = the weighted means of `projection` [transports · n · d], where the n
/// points of every problem go; `points` [problems · n, d] is where they are, `weights` [problems ·
/// n] their shares, and one without stays. `last` is where the move before went.
template <class ExecutionSpace>
FoundMoves find_moves(const ExecutionSpace& space, const std::vector<std::int64_t>& begin,
                      const std::vector<double>& share,
                      const Vector<const double, ExecutionSpace>& weights,
                      const Vector<const double, ExecutionSpace>& projection,
                      const Matrix<const double, ExecutionSpace>& points,
                      const Matrix<const double, ExecutionSpace>& last,
                      const Matrix<double, ExecutionSpace>& moved) {
  const int count = static_cast<int>(begin.size()) - 1, d = points.extent_int(1);
  const auto n = static_cast<std::int64_t>(points.extent(0)) / count;
  const Vector<double, ExecutionSpace> squares("otfleet::free_support::squares", count),
      alongs("otfleet::free_support::alongs", count);
  const auto transports = copy_to_device<ExecutionSpace>("otfleet::free_support::begin", begin);
  const auto shares = copy_to_device<ExecutionSpace>("otfleet::free_support::share", share);
  Kokkos::parallel_for(
      "otfleet::free_support::find_moves", team_each(space, count),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int a = team.league_rank();
        const double square = team_sum(team, static_cast<int>(n), [&](int j) {
          const std::int64_t row = a * n + j;
          double distance = 0;
          for (int c = 0; c < d; ++c) {
            double mean = weights(row) > 0 ? 0.0 : points(row, c);
            for (std::int64_t t = transports(a); t < transports(a + 1) && weights(row) > 0; ++t)
              if (shares(t) > 0) mean += shares(t) * projection((t * n + j) * d + c);
            moved(row, c) = mean;
            distance += (mean - points(row, c)) * (mean - points(row, c));
          }
          return weights(row) > 0 ? weights(row) * distance : 0.0;
        });
        const double along = team_sum(team, static_cast<int>(n), [&](int j) {
          const std::int64_t row = a * n + j;
          double product = 0;
          for (int c = 0; c < d; ++c)
            product += (moved(row, c) - points(row, c)) * (moved(row, c) - last(row, c));
          return weights(row) > 0 ? weights(row) * product : 0.0;
        });
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          squares(a) = square;
          alongs(a) = along;
        });
      });
  space.fence();
  return {host_copy(squares), host_copy(alongs)};
}

/// next = moved + factor (moved − last), all [problems · n, d], factor [problems] on the host.
template <class ExecutionSpace>
void extrapolate(const ExecutionSpace& space, const std::vector<double>& factor,
                 const Matrix<const double, ExecutionSpace>& moved,
                 const Matrix<const double, ExecutionSpace>& last,
                 const Matrix<double, ExecutionSpace>& next) {
  const auto factors = copy_to_device<ExecutionSpace>("otfleet::free_support::factor", factor);
  const auto n = static_cast<std::int64_t>(moved.extent(0) / factor.size());
  const int d = moved.extent_int(1);
  Kokkos::parallel_for(
      "otfleet::free_support::extrapolate",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(
          space, 0, static_cast<std::int64_t>(moved.extent(0))),
      KOKKOS_LAMBDA(std::int64_t row) {
        const double beyond = factors(row / n);
        for (int c = 0; c < d; ++c)
          next(row, c) = moved(row, c) + beyond * (moved(row, c) - last(row, c));
      });
  space.fence();
}

}  // namespace otfleet::kernels
