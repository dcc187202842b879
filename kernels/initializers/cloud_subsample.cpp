#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/initializers/start_batch.hpp"
#include "kernels/initializers/subsample.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Every `stride`-th point of the measures `named`, with the weights of the points that it is
/// nearest to, the first of several. One team a measure; weights are added point after point.
template <class ExecutionSpace>
struct Pooling {
  PointMeasures<ExecutionSpace> measures;
  Vector<const int, ExecutionSpace> named;
  Vector<const std::int64_t, ExecutionSpace> begin;  ///< [named + 1], rows of what follows
  int stride;
  Vector<double, ExecutionSpace> weights;
  Matrix<double, ExecutionSpace> points;
  Vector<int, ExecutionSpace> nearest;  ///< [total], of every point of every measure

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int row = team.league_rank(), measure = named(row), d = measures.dimension();
    const int count = static_cast<int>(begin(row + 1) - begin(row)), size = measures.size(measure);
    const double* x = measures.points_of(measure);
    const double* given = measures.weights_of(measure);
    int* group = nearest.data() + measures.offsets(measure);
    const int step = stride;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, size), [&](int i) {
      double least = Kokkos::Experimental::infinity<double>::value;
      for (int one = 0; one < count; ++one) {
        double distance = 0;
        for (int p = 0; p < d; ++p) {
          const double apart = x[i * d + p] - x[one * step * d + p];
          distance += apart * apart;
        }
        if (distance < least) {
          least = distance;
          group[i] = one;
        }
      }
    });
    team.team_barrier();
    const auto& pooled = weights;
    const auto& chosen = points;
    const std::int64_t first = begin(row);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), [&](int one) {
      double sum = 0;
      for (int i = 0; i < size; ++i)
        if (group[i] == one) sum += given[i];
      pooled(first + one) = sum;
      for (int p = 0; p < d; ++p) chosen(first + one, p) = x[one * step * d + p];
    });
  }
};

template <class ExecutionSpace>
struct PooledSide {
  CloudMeasures<ExecutionSpace> measures;
  std::vector<int> index;  ///< [B]
};

/// The measures that `index` names, each once.
template <class ExecutionSpace>
PooledSide<ExecutionSpace> pool(const ExecutionSpace& space,
                                const CloudMeasures<ExecutionSpace>& measures,
                                const std::vector<int>& index, int stride) {
  PooledSide<ExecutionSpace> side;
  std::vector<int> row(static_cast<std::size_t>(measures.count()), -1), named;
  std::vector<std::int64_t> begin = {0};
  for (const int measure : index) {
    int& own = row[static_cast<std::size_t>(measure)];
    if (own < 0) {
      own = static_cast<int>(named.size());
      named.push_back(measure);
      begin.push_back(begin.back() + (measures.size(measure) - 1) / stride + 1);
    }
    side.index.push_back(own);
  }
  const auto total = static_cast<std::size_t>(begin.back());
  const auto d = static_cast<std::size_t>(measures.dimension());
  const auto all = point_measures(measures);
  const Vector<double, ExecutionSpace> weights("otfleet::initializers::pooled_weights", total);
  const Matrix<double, ExecutionSpace> points("otfleet::initializers::chosen_points", total, d);
  const Vector<int, ExecutionSpace> nearest("otfleet::initializers::nearest",
                                            all.weights.extent(0));
  Kokkos::parallel_for(
      "otfleet::initializers::pool_clouds",
      Policy<ExecutionSpace>(space, static_cast<int>(named.size()),
                             Backend<ExecutionSpace>::team_size, 1),
      Pooling<ExecutionSpace>{all,
                              copy_to_device<ExecutionSpace>("otfleet::initializers::list", named),
                              copy_to_device<ExecutionSpace>("otfleet::initializers::list", begin),
                              stride, weights, points, nearest});
  space.fence();
  side.measures =
      CloudMeasures<ExecutionSpace>(space, weights, points, begin, measures.ground_cost());
  return side;
}

}  // namespace

template <class ExecutionSpace>
void subsample_initializer(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                           const SubsampleSettings& settings,
                           const Vector<double, ExecutionSpace>& f) {
  check_settings(settings);
  if (!(settings.epsilon > 0) || !std::isfinite(settings.epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  if (problems.size() == 0) return;
  start_batch(problems, f);  // throws where sizes do not fit
  // With the sides exchanged, so that the solver's potential is g.
  const auto targets = pool(space, problems.target, problems.target_index, settings.stride);
  const auto sources = pool(space, problems.source, problems.source_index, settings.stride);
  CloudBatch<ExecutionSpace> turned{targets.measures, sources.measures, targets.index,
                                    sources.index};
  SinkhornSettings solver;
  solver.epsilon = settings.epsilon;
  solver.threshold = settings.threshold;
  solver.max_iterations = settings.max_iterations;
  solver.acceleration = Acceleration::momentum;
  const Vector<double, ExecutionSpace> g("otfleet::initializers::small_potential",
                                         static_cast<std::size_t>(turned.source_offsets().back()));
  const Vector<int, ExecutionSpace> iterations("otfleet::initializers::iterations",
                                               problems.size());
  const Vector<int, ExecutionSpace> status("otfleet::initializers::status", problems.size());
  sinkhorn<double, ExecutionSpace>(space, turned, solver, true, g, iterations, status);
  turned.target = problems.source;
  turned.target_index = problems.source_index;
  soft_c_transform<ExecutionSpace>(space, turned, settings.epsilon, g, f);
}

#define OTFLEET_INSTANTIATE(Space)                                                   \
  template void subsample_initializer<Space>(const Space&, const CloudBatch<Space>&, \
                                             const SubsampleSettings&,               \
                                             const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
