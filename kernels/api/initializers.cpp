#include "kernels/api/initializers.hpp"

#include "kernels/api/detail/problems_state.hpp"
#include "kernels/initializers/gaussian.hpp"
#include "kernels/initializers/gaussian_mixture.hpp"
#include "kernels/initializers/half_step.hpp"
#include "kernels/initializers/log_weights.hpp"
#include "kernels/initializers/previous.hpp"
#include "kernels/initializers/previous_epsilon.hpp"
#include "kernels/initializers/sorting.hpp"
#include "kernels/initializers/subsample.hpp"
#include "kernels/outputs/soft_c_transform.hpp"

namespace otfleet::kernels {
namespace {

/// One coordinate a point.
Vector<const double, DeviceSpace> on_line(const Matrix<const double, DeviceSpace>& points) {
  if (points.extent(1) != 1)
    throw std::invalid_argument("sorting needs points of one dimension, not " +
                                std::to_string(points.extent(1)));
  return Vector<const double, DeviceSpace>(points.data(), points.extent(0));
}

}  // namespace

void gaussian_initializer(const Problems& problems, const DeviceArray<double>& f) {
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto&) {
        gaussian_initializer<DeviceSpace>(DeviceSpace(), shared.source_points, shared.target_points,
                                          shared.batch, shared.source_rows(f, "f"));
      },
      [&](const OwnPointsProblems& clouds) {
        gaussian_initializer<DeviceSpace>(DeviceSpace(), clouds.batch, view_of(f));
      });
}

void gaussian_mixture_initializer(const Problems& problems, double epsilon,
                                  const DeviceArray<double>& f) {
  GaussianMixtureSettings settings;
  settings.epsilon = epsilon;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto&) {
        const auto rows = shared.source_rows(f, "f");
        gaussian_mixture_initializer<DeviceSpace>(DeviceSpace(), shared.source_points,
                                                  shared.target_points, shared.batch, settings,
                                                  rows);
        add_log_weights<DeviceSpace>(DeviceSpace(), shared.batch, epsilon, rows);
      },
      [&](const OwnPointsProblems& clouds) {
        gaussian_mixture_initializer<DeviceSpace>(DeviceSpace(), clouds.batch, settings,
                                                  view_of(f));
        add_log_weights<DeviceSpace>(DeviceSpace(), clouds.batch, epsilon, view_of(f));
      });
}

void sorting_initializer(const Problems& problems, double power, double epsilon,
                         const DeviceArray<double>& f) {
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto&) {
        const auto rows = shared.source_rows(f, "f");
        sorting_initializer<DeviceSpace>(DeviceSpace(), on_line(shared.source_points),
                                         on_line(shared.target_points), power, shared.batch, rows);
        add_log_weights<DeviceSpace>(DeviceSpace(), shared.batch, epsilon, rows);
      },
      [&](const OwnPointsProblems& clouds) {
        sorting_initializer<DeviceSpace>(DeviceSpace(), power, clouds.batch, view_of(f));
        add_log_weights<DeviceSpace>(DeviceSpace(), clouds.batch, epsilon, view_of(f));
      });
}

void subsample_initializer(const Problems& problems, double epsilon, const DeviceArray<double>& f) {
  SubsampleSettings settings;
  settings.epsilon = epsilon;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        const auto rows = shared.source_rows(f, "f");
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(cost)>, SeparableCost>) {
          subsample_initializer<DeviceSpace>(DeviceSpace(), cost, shared.batch, settings, rows);
        } else {
          settings.stride = 8;
          subsample_initializer<DeviceSpace>(DeviceSpace(), shared.source_points,
                                             shared.target_points, cost.ground_cost(), shared.batch,
                                             settings, rows);
        }
      },
      [&](const OwnPointsProblems& clouds) {
        settings.stride = 8;
        subsample_initializer<DeviceSpace>(DeviceSpace(), clouds.batch, settings, view_of(f));
      });
}

void previous_epsilon_initializer(const Problems& problems, double epsilon, Arithmetic arithmetic,
                                  const DeviceArray<double>& f) {
  PreviousEpsilonSettings settings;
  settings.epsilon = epsilon;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        const auto rows = shared.source_rows(f, "f");
        if (arithmetic == Arithmetic::in_float)
          previous_epsilon_initializer<float>(DeviceSpace(), cost, shared.batch, settings, rows);
        else
          previous_epsilon_initializer<double>(DeviceSpace(), cost, shared.batch, settings, rows);
      },
      [&](const OwnPointsProblems& clouds) {
        if (arithmetic == Arithmetic::in_float)
          previous_epsilon_initializer<float>(DeviceSpace(), clouds.batch, settings, view_of(f));
        else
          previous_epsilon_initializer<double>(DeviceSpace(), clouds.batch, settings, view_of(f));
      });
}

void half_step(const Problems& problems, double epsilon, double tolerance,
               const DeviceArray<const double>& from, const DeviceArray<double>& result, Side to) {
  const DeviceSpace space;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        const auto given = shared.potential_rows(other(to), from);
        const auto rows = shared.potential_rows(to, result);
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(cost)>, SeparableCost>)
          soft_c_transform<DeviceSpace>(space, cost, shared.batch, epsilon, given, rows, to);
        else
          half_step<DeviceSpace>(space, cost, shared.batch, epsilon, tolerance, given, rows, to);
      },
      [&](const OwnPointsProblems& clouds) {
        half_step<DeviceSpace>(space, clouds.batch, epsilon, tolerance, view_of(from),
                               view_of(result), to);
      });
}

void extrapolate(const Problems& problems, const DeviceArray<const double>& near,
                 const DeviceArray<const double>& far, const DeviceArray<const double>& share,
                 const DeviceArray<double>& f) {
  const DeviceSpace space;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto&) {
        extrapolate<DeviceSpace>(space, shared.batch, shared.source_rows(near, "near"),
                                 shared.source_rows(far, "far"), view_of(share),
                                 shared.source_rows(f, "f"));
      },
      [&](const OwnPointsProblems& clouds) {
        extrapolate<DeviceSpace>(space, clouds.batch, view_of(near), view_of(far), view_of(share),
                                 view_of(f));
      });
}

void fit_extrapolation(const Problems& problems, const DeviceArray<const double>& near,
                       const DeviceArray<const double>& far, const DeviceArray<const double>& f,
                       const DeviceArray<double>& share) {
  const DeviceSpace space;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto&) {
        fit_extrapolation<DeviceSpace>(space, shared.batch, shared.source_rows(near, "near"),
                                       shared.source_rows(far, "far"), shared.source_rows(f, "f"),
                                       view_of(share));
      },
      [&](const OwnPointsProblems& clouds) {
        fit_extrapolation<DeviceSpace>(space, clouds.batch, view_of(near), view_of(far), view_of(f),
                                       view_of(share));
      });
}

}  // namespace otfleet::kernels
