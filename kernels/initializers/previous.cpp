#include "kernels/initializers/previous.hpp"

#include "kernels/backend.hpp"
#include "kernels/initializers/start_batch.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// No potential of a solved problem is that large; one from which nothing is reached is.
constexpr double most_potential = 1e200;

/// The source's weights of every problem, and where its points begin in flat arrays.
template <class ExecutionSpace>
struct SourceRows {
  PointMeasures<ExecutionSpace> source;
  Vector<const int, ExecutionSpace> index;           ///< [B]
  Vector<const std::int64_t, ExecutionSpace> begin;  ///< [B]
};

template <class ExecutionSpace>
SourceRows<ExecutionSpace> source_rows(const ProblemBatch<ExecutionSpace>& problems) {
  const auto& measures = problems.source;
  const Vector<const double, ExecutionSpace> weights(measures.weights.data(),
                                                     measures.weights.size());
  return {{weights,
           {},
           equal_steps<ExecutionSpace>(measures.count(), measures.points()),
           true,
           measures.points()},
          problems.source_index,
          equal_steps<ExecutionSpace>(problems.size(), measures.points())};
}

template <class ExecutionSpace>
SourceRows<ExecutionSpace> source_rows(const CloudBatch<ExecutionSpace>& problems,
                                       const Vector<const double, ExecutionSpace>& potential) {
  require_whole_measures(problems);
  const auto begin = potential_offsets(problems, potential.extent(0));
  return {point_measures(problems.source),
          copy_to_device<ExecutionSpace>("otfleet::initializers::list", problems.source_index),
          copy_to_device<ExecutionSpace>("otfleet::initializers::list", begin)};
}

/// Of one problem, what least squares look at.
template <class ExecutionSpace>
struct FitKernel {
  SourceRows<ExecutionSpace> rows;
  const double *near, *far, *solved;
  Vector<double, ExecutionSpace> share;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = team.league_rank(), measure = rows.index(k);
    const int count = rows.source.size(measure);
    const double* weights = rows.source.weights_of(measure);
    const double *x = near + rows.begin(k), *y = far + rows.begin(k), *f = solved + rows.begin(k);
    const auto sum = [&](const auto& term) {
      double total = 0;
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, count),
          [&](int i, double& part) {
            const double moved = x[i] - y[i], missed = f[i] - x[i];
            if (weights[i] > 0 && ::fabs(moved) < most_potential && ::fabs(missed) < most_potential)
              part += weights[i] * term(moved, missed);
          },
          total);
      return total;
    };
    const double mass = sum([](double, double) { return 1.0; });
    const double moved = sum([](double by, double) { return by; });
    const double missed = sum([](double, double by) { return by; });
    const double mean_moved = mass > 0 ? moved / mass : 0,
                 mean_missed = mass > 0 ? missed / mass : 0;
    const double square =
        sum([&](double by, double) { return (by - mean_moved) * (by - mean_moved); });
    const double product =
        sum([&](double by, double miss) { return (by - mean_moved) * (miss - mean_missed); });
    const double best = square > 0 ? product / square : 0;
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      share(k) = best > 1 ? 1.0 : best > 0 ? best : 0.0;
    });
  }
};

template <class ExecutionSpace>
void fit(const ExecutionSpace& space, const SourceRows<ExecutionSpace>& rows, int problems,
         const double* near, const double* far, const double* f,
         const Vector<double, ExecutionSpace>& share) {
  Kokkos::parallel_for(
      "otfleet::initializers::fit_extrapolation",
      Policy<ExecutionSpace>(space, problems, Backend<ExecutionSpace>::team_size, 1),
      FitKernel<ExecutionSpace>{rows, near, far, f, share});
  space.fence();
}

template <class ExecutionSpace>
void extrapolate_rows(const ExecutionSpace& space, const SourceRows<ExecutionSpace>& rows,
                      int problems, const double* near, const double* far,
                      const Vector<const double, ExecutionSpace>& share, double* f) {
  Kokkos::parallel_for(
      "otfleet::initializers::extrapolate",
      Policy<ExecutionSpace>(space, problems, Backend<ExecutionSpace>::team_size, 1),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank(), measure = rows.index(k);
        const double* weights = rows.source.weights_of(measure);
        const std::int64_t begin = rows.begin(k);
        const double factor = share(k);
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, rows.source.size(measure)), [&](int i) {
          const double x = near[begin + i], moved = factor > 0 ? x - far[begin + i] : 0.0;
          const bool reached = ::fabs(x) < most_potential;
          const double start = !reached                         ? 0.0
                               : ::fabs(moved) < most_potential ? x + factor * moved
                                                                : x;
          f[begin + i] = weights[i] > 0 ? start : -Kokkos::Experimental::infinity<double>::value;
        });
      });
  space.fence();
}

template <class Share>
void check_share(const Share& share, int problems) {
  if (share.extent(0) != static_cast<std::size_t>(problems))
    throw std::invalid_argument("share has " + std::to_string(share.extent(0)) +
                                " entries, expected " + std::to_string(problems));
}

template <class ExecutionSpace>
void check_equal(const Vector<const double, ExecutionSpace>& one,
                 const Vector<const double, ExecutionSpace>& other) {
  if (one.extent(0) != other.extent(0))
    throw std::invalid_argument("potentials have " + std::to_string(one.extent(0)) + " and " +
                                std::to_string(other.extent(0)) + " entries");
}

}  // namespace

template <class ExecutionSpace>
void extrapolate(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                 const Matrix<const double, ExecutionSpace>& near,
                 const Matrix<const double, ExecutionSpace>& far,
                 const Vector<const double, ExecutionSpace>& share,
                 const Matrix<double, ExecutionSpace>& f) {
  check_share(share, problems.size());
  if (problems.size() == 0) return;
  for (const auto& rows : {near, far, Matrix<const double, ExecutionSpace>(f)})
    check_rows("f", rows, problems.size(), problems.source.points());
  extrapolate_rows(space, source_rows(problems), problems.size(), near.data(), far.data(), share,
                   f.data());
}

template <class ExecutionSpace>
void extrapolate(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                 const Vector<const double, ExecutionSpace>& near,
                 const Vector<const double, ExecutionSpace>& far,
                 const Vector<const double, ExecutionSpace>& share,
                 const Vector<double, ExecutionSpace>& f) {
  check_share(share, problems.size());
  if (problems.size() == 0) return;
  check_equal<ExecutionSpace>(near, far);
  check_equal<ExecutionSpace>(near, f);
  extrapolate_rows(space, source_rows(problems, near), problems.size(), near.data(), far.data(),
                   share, f.data());
}

template <class ExecutionSpace>
void fit_extrapolation(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                       const Matrix<const double, ExecutionSpace>& near,
                       const Matrix<const double, ExecutionSpace>& far,
                       const Matrix<const double, ExecutionSpace>& f,
                       const Vector<double, ExecutionSpace>& share) {
  check_share(share, problems.size());
  if (problems.size() == 0) return;
  for (const auto& rows : {near, far, f})
    check_rows("f", rows, problems.size(), problems.source.points());
  fit(space, source_rows(problems), problems.size(), near.data(), far.data(), f.data(), share);
}

template <class ExecutionSpace>
void fit_extrapolation(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                       const Vector<const double, ExecutionSpace>& near,
                       const Vector<const double, ExecutionSpace>& far,
                       const Vector<const double, ExecutionSpace>& f,
                       const Vector<double, ExecutionSpace>& share) {
  check_share(share, problems.size());
  if (problems.size() == 0) return;
  check_equal<ExecutionSpace>(near, far);
  check_equal<ExecutionSpace>(near, f);
  fit(space, source_rows(problems, near), problems.size(), near.data(), far.data(), f.data(),
      share);
}

#define OTFLEET_INSTANTIATE(Space)                                                  \
  template void extrapolate<Space>(                                                 \
      const Space&, const ProblemBatch<Space>&, const Matrix<const double, Space>&, \
      const Matrix<const double, Space>&, const Vector<const double, Space>&,       \
      const Matrix<double, Space>&);                                                \
  template void extrapolate<Space>(                                                 \
      const Space&, const CloudBatch<Space>&, const Vector<const double, Space>&,   \
      const Vector<const double, Space>&, const Vector<const double, Space>&,       \
      const Vector<double, Space>&);                                                \
  template void fit_extrapolation<Space>(                                           \
      const Space&, const ProblemBatch<Space>&, const Matrix<const double, Space>&, \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,       \
      const Vector<double, Space>&);                                                \
  template void fit_extrapolation<Space>(                                           \
      const Space&, const CloudBatch<Space>&, const Vector<const double, Space>&,   \
      const Vector<const double, Space>&, const Vector<const double, Space>&,       \
      const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
