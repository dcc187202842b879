#include "kernels/clouds/cloud_batch.hpp"

#include "kernels/clouds/point_preparation.hpp"

namespace otfleet::kernels {
namespace {

// Functions of their own, since device lambdas may not stand in a constructor.

/// Per measure: its mass, or −1 where a weight is negative or NaN; the mean of its points (zeros
/// unless `centered`), and the largest distance of a point from there.
template <class ExecutionSpace>
void describe_measures(const ExecutionSpace& space,
                       const Vector<const std::int64_t, ExecutionSpace>& offsets,
                       const Vector<const double, ExecutionSpace>& weights,
                       const Matrix<const double, ExecutionSpace>& points, bool centered,
                       const Vector<double, ExecutionSpace>& mass,
                       const Matrix<double, ExecutionSpace>& mean,
                       const Vector<double, ExecutionSpace>& radius) {
  const auto count = static_cast<std::int64_t>(mass.extent(0));
  const int d = static_cast<int>(points.extent(1));
  Kokkos::parallel_for(
      "otfleet::clouds::describe_measures", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(std::int64_t s) {
        const std::int64_t begin = offsets(s), end = offsets(s + 1);
        double sum = 0;
        bool valid = true;
        for (std::int64_t i = begin; i < end; ++i) {
          valid = valid && weights(i) >= 0;  // false for NaN too
          sum += weights(i);
        }
        mass(s) = valid ? sum : -1;
        const double share = centered ? 1 / static_cast<double>(end - begin) : 0.0;
        for (std::int64_t i = begin; i < end; ++i)
          for (int k = 0; k < d; ++k) mean(s, k) += points(i, k) * share;
        double largest = 0;
        for (std::int64_t i = begin; i < end; ++i) {
          double norm = 0;
          for (int k = 0; k < d; ++k)
            norm += (points(i, k) - mean(s, k)) * (points(i, k) - mean(s, k));
          largest = norm > largest ? norm : largest;
        }
        radius(s) = ::sqrt(largest);
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

std::vector<double> to_host(const auto& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return std::vector<double>(host.data(), host.data() + host.size());
}

}  // namespace

template <class ExecutionSpace>
CloudMeasures<ExecutionSpace>::CloudMeasures(const ExecutionSpace& space,
                                             const Vector<const double, ExecutionSpace>& weights,
                                             const Matrix<const double, ExecutionSpace>& points,
                                             std::vector<std::int64_t> offsets, GroundCost kind,
                                             double power)
    : kind_(kind), power_(power), offsets_(std::move(offsets)), weights_(weights), points_(points) {
  check_power(kind, power);
  const auto total = static_cast<std::int64_t>(points.extent(0));
  if (static_cast<std::int64_t>(weights.extent(0)) != total)
    throw std::invalid_argument(std::to_string(weights.extent(0)) + " weights of measures, but " +
                                std::to_string(total) + " points");
  check_offsets(offsets_, total);
  if (total > 0 && points.extent(1) == 0)
    throw std::invalid_argument("a cloud needs at least one coordinate");
  const auto fault = first_fault(space, points, kind);
  if (fault < total) {
    const auto after = std::upper_bound(offsets_.begin(), offsets_.end(), fault);
    throw std::invalid_argument("measure " + std::to_string(after - offsets_.begin() - 1) +
                                ": point " + std::to_string(fault - *(after - 1)) +
                                fault_text(kind));
  }

  const auto measures = offsets_.size() - 1, d = points.extent(1);
  const bool centered = depends_on_differences(kind);
  if (!centered) {
    const Vector<double, ExecutionSpace> origin("otfleet::clouds::center", d);
    const bool circle = kind == GroundCost::great_circle;
    points_ = prepare_points<ExecutionSpace>(space, points, origin, !circle,
                                             circle ? 1 / std::sqrt(great_circle_divisor) : 1.0);
  }
  const Vector<std::int64_t, ExecutionSpace> device_offsets("otfleet::clouds::offsets",
                                                            offsets_.size());
  Kokkos::deep_copy(
      device_offsets,
      Kokkos::View<const std::int64_t*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
          offsets_.data(), offsets_.size()));
  const Vector<double, ExecutionSpace> mass("otfleet::clouds::mass", measures);
  const Vector<double, ExecutionSpace> radius("otfleet::clouds::radius", measures);
  const Matrix<double, ExecutionSpace> means("otfleet::clouds::means", measures, d);
  describe_measures<ExecutionSpace>(space, device_offsets, weights_, points_, centered, mass, means,
                                    radius);
  space.fence();
  mass_ = to_host(mass);
  radius_ = to_host(radius);
  for (std::size_t s = 0; s < measures; ++s)
    if (!(mass_[s] > 0) || !std::isfinite(mass_[s]))
      throw std::invalid_argument("measure " + std::to_string(s) +
                                  " has a negative or non-finite weight, or no mass");
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

template class CloudMeasures<Kokkos::DefaultExecutionSpace>;

}  // namespace otfleet::kernels
