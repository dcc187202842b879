#include "kernels/problems/cloud_batch.hpp"

#include <cmath>

#include "kernels/geometry/point_preparation.hpp"
#include "kernels/host_values.hpp"
#include "kernels/problems/problem_batch.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {
namespace {

// Functions of their own, since device lambdas may not stand in a constructor.

/// Per measure: its mass, or NaN where a weight is negative or NaN; the mean of its points, zeros
/// unless `centered`. all_points > 0: these are part of that many, and the mean becomes a part.
template <class ExecutionSpace>
void sum_measures(const ExecutionSpace& space,
                  const Vector<const std::int64_t, ExecutionSpace>& offsets,
                  const Vector<const double, ExecutionSpace>& weights,
                  const Matrix<const double, ExecutionSpace>& points, bool centered,
                  double all_points, const Vector<double, ExecutionSpace>& mass,
                  const Matrix<double, ExecutionSpace>& mean) {
  const int d = static_cast<int>(points.extent(1));
  const double not_a_mass = std::numeric_limits<double>::quiet_NaN();
  Kokkos::parallel_for(
      "otfleet::clouds::sum_measures", team_each(space, static_cast<int>(mass.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int s = team.league_rank(), size = static_cast<int>(offsets(s + 1) - offsets(s));
        const std::int64_t begin = offsets(s);
        const double sum = team_sum(team, size, [&](int i) {
          return weights(begin + i) >= 0 ? weights(begin + i) : not_a_mass;
        });
        Kokkos::single(Kokkos::PerTeam(team), [&]() { mass(s) = sum; });
        if (!centered) return;
        const double share = 1 / (all_points > 0 ? all_points : static_cast<double>(size));
        for (int k = 0; k < d; ++k) {
          double center = 0;
          Kokkos::parallel_reduce(
              Kokkos::TeamVectorRange(team, size),
              [&](int i, double& sum) { sum = ::fma(points(begin + i, k), share, sum); }, center);
          team.team_barrier();
          Kokkos::single(Kokkos::PerTeam(team), [&]() { mean(s, k) = center; });
        }
      });
}

/// The weights as shares of their measures' masses.
template <class ExecutionSpace>
Vector<const double, ExecutionSpace> divide_by_mass(
    const ExecutionSpace& space, const Vector<const std::int64_t, ExecutionSpace>& offsets,
    const Vector<const double, ExecutionSpace>& weights,
    const Vector<const double, ExecutionSpace>& mass) {
  const Vector<double, ExecutionSpace> shares(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::weights"),
      weights.extent(0));
  Kokkos::parallel_for(
      "otfleet::clouds::divide_by_mass", team_each(space, static_cast<int>(mass.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int s = team.league_rank(), size = static_cast<int>(offsets(s + 1) - offsets(s));
        const std::int64_t begin = offsets(s);
        team_for(team, size,
                 [&](int i) { shares(begin + i) = share_of_mass(weights(begin + i), mass(s)); });
      });
  return shares;
}

/// Per measure the largest distance of a point from its mean.
template <class ExecutionSpace>
void find_radii(const ExecutionSpace& space,
                const Vector<const std::int64_t, ExecutionSpace>& offsets,
                const Matrix<const double, ExecutionSpace>& points,
                const Matrix<const double, ExecutionSpace>& mean,
                const Vector<double, ExecutionSpace>& radius) {
  const int d = static_cast<int>(points.extent(1));
  Kokkos::parallel_for(
      "otfleet::clouds::find_radii", team_each(space, static_cast<int>(radius.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int s = team.league_rank(), size = static_cast<int>(offsets(s + 1) - offsets(s));
        const std::int64_t begin = offsets(s);
        const double largest = team_max(team, size, [&](int i) {
          double norm = 0;
          for (int k = 0; k < d; ++k) {
            const double difference = points(begin + i, k) - mean(s, k);
            norm += difference * difference;
          }
          return norm;
        });
        Kokkos::single(Kokkos::PerTeam(team),
                       [&]() { radius(s) = ::sqrt(largest > 0 ? largest : 0.0); });
      });
}

void check_offsets(const std::vector<std::int64_t>& offsets, std::int64_t total) {
  if (offsets.empty() || offsets.front() != 0)
    throw std::invalid_argument("offsets of measures must begin with 0");
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const std::int64_t size = offsets[s + 1] - offsets[s];
    if (size < 1) throw std::invalid_argument("measure " + std::to_string(s) + " has no points");
    if (size > std::numeric_limits<int>::max())
      throw std::invalid_argument("measure " + std::to_string(s) + " has too many points");
  }
  if (offsets.back() != total)
    throw std::invalid_argument("offsets of measures end with " + std::to_string(offsets.back()) +
                                ", but there are " + std::to_string(total) + " points");
}

/// The number of points, of which each has a weight.
std::int64_t check_sizes(const auto& weights, const auto& points) {
  if (weights.extent(0) != points.extent(0))
    throw std::invalid_argument(std::to_string(weights.extent(0)) + " weights of measures, but " +
                                std::to_string(points.extent(0)) + " points");
  if (points.extent(0) > 0 && points.extent(1) == 0)
    throw std::invalid_argument("a cloud needs at least one coordinate");
  return static_cast<std::int64_t>(points.extent(0));
}

std::vector<double> to_host(const auto& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return std::vector<double>(host.data(), host.data() + host.size());
}

}  // namespace

template <class ExecutionSpace>
CloudMeasures<ExecutionSpace>::CloudMeasures(const ExecutionSpace& space,
                                             const Vector<const double, ExecutionSpace>& weights,
                                             const Matrix<const double, ExecutionSpace>& points,
                                             std::vector<std::int64_t> offsets,
                                             const GroundCost& cost)
    : ground_cost_(cost), offsets_(std::move(offsets)), weights_(weights), points_(points) {
  check_offsets(offsets_, check_sizes(weights, points));
  describe(space, 0);
}

template <class ExecutionSpace>
CloudMeasures<ExecutionSpace>::CloudMeasures(const ExecutionSpace& space,
                                             const Vector<const double, ExecutionSpace>& weights,
                                             std::vector<std::int64_t> offsets)
    : offsets_(std::move(offsets)),
      weights_(weights),
      points_(Matrix<double, ExecutionSpace>("otfleet::clouds::no_points", weights.extent(0), 0)) {
  check_offsets(offsets_, static_cast<std::int64_t>(weights.extent(0)));
  describe(space, 0);
}

template <class ExecutionSpace>
CloudMeasures<ExecutionSpace>::CloudMeasures(const ExecutionSpace& space,
                                             CloudCommunicator& communicator,
                                             const Vector<const double, ExecutionSpace>& weights,
                                             const Matrix<const double, ExecutionSpace>& points,
                                             std::int64_t first, const GroundCost& cost)
    : ground_cost_(cost),
      offsets_{0, check_sizes(weights, points)},
      weights_(weights),
      points_(points),
      communicator_(&communicator),
      all_points_(all_sum(&communicator, static_cast<double>(points.extent(0)))),
      first_point_(first) {
  if (!(all_points_ > 0)) throw std::invalid_argument("measure 0 has no points");
  describe(space, first);
}

template <class ExecutionSpace>
void CloudMeasures<ExecutionSpace>::describe(const ExecutionSpace& space, std::int64_t first) {
  check_parameters(ground_cost_);
  const auto total = offsets_.back();
  auto fault = first_fault(space, points_, ground_cost_);
  const bool faulty = fault < total;
  // The first one of all ranks.
  const double none = std::numeric_limits<double>::infinity();
  const double found =
      -all_max(communicator_, faulty ? -static_cast<double>(first + fault) : -none);
  if (found < none) {
    fault = static_cast<std::int64_t>(found);
    const auto after = communicator_ ? offsets_.begin() + 1
                                     : std::upper_bound(offsets_.begin(), offsets_.end(), fault);
    throw std::invalid_argument("measure " + std::to_string(after - offsets_.begin() - 1) +
                                ": point " + std::to_string(fault - *(after - 1)) +
                                fault_text(ground_cost_));
  }

  const auto measures = offsets_.size() - 1, d = points_.extent(1);
  const bool centered = !takes_directions(ground_cost_);
  if (!centered) {
    const Vector<double, ExecutionSpace> origin("otfleet::clouds::center", d);
    points_ = prepare_points<ExecutionSpace>(space, points_, origin, true);
  }
  const auto device_offsets = copy_to_device<ExecutionSpace>("otfleet::clouds::offsets", offsets_);
  const Vector<double, ExecutionSpace> mass("otfleet::clouds::mass", measures);
  const Vector<double, ExecutionSpace> radius("otfleet::clouds::radius", measures);
  const Matrix<double, ExecutionSpace> means("otfleet::clouds::means", measures, d);
  sum_measures<ExecutionSpace>(space, device_offsets, weights_, points_, centered, all_points_,
                               mass, means);
  space.fence();
  mass_ = to_host(mass);
  if (communicator_) communicator_->sum(mass_);
  for (std::size_t s = 0; s < measures; ++s)
    if (!(mass_[s] > 0) || !std::isfinite(mass_[s]))
      throw std::invalid_argument("measure " + std::to_string(s) +
                                  " has a negative or non-finite weight, or no mass");
  if (communicator_)
    Kokkos::deep_copy(mass, Kokkos::View<const double*, Kokkos::HostSpace>(mass_.data(), measures));
  weights_ = divide_by_mass<ExecutionSpace>(space, device_offsets, weights_, mass);
  const auto host_means = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), means);
  if (communicator_) {
    communicator_->sum({host_means.data(), host_means.size()});
    Kokkos::deep_copy(means, host_means);
  }
  find_radii<ExecutionSpace>(space, device_offsets, points_, means, radius);
  space.fence();
  radius_ = to_host(radius);
  if (communicator_) communicator_->max(radius_);
  if (!centered) return;
  means_ = means;
  host_means_ = to_host(means);
}

template <class ExecutionSpace>
double CloudMeasures<ExecutionSpace>::reach(int source_measure, const CloudMeasures& target,
                                            int target_measure) const {
  double squared = 0;
  const auto d = static_cast<std::size_t>(host_means_.empty() ? 0 : dimension());
  for (std::size_t k = 0; k < d; ++k) {
    const double apart =
        host_means_[source_measure * d + k] - target.host_means_[target_measure * d + k];
    squared += apart * apart;
  }
  // A little more than the sum, for the rounding of costs.
  return (radius_[source_measure] + target.radius_[target_measure] + std::sqrt(squared)) *
         (1 + 1e-6);
}

#define OTFLEET_INSTANTIATE(Space) template class CloudMeasures<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
