#include "kernels/problems/learned_start.hpp"

#include <numbers>
#include <stdexcept>

#include "kernels/backend.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Scratch memory beyond this is taken from the device's main memory.
constexpr std::size_t most_fast_scratch = 32 << 10;

/// f = φ + epsilon log a for the problem of a team.
template <class ExecutionSpace>
struct LearnedPotential {
  using L = Lanes<ExecutionSpace, double>;

  LearnedStart<ExecutionSpace> start;
  ProblemBatch<ExecutionSpace> problems;
  double epsilon;
  Matrix<double, ExecutionSpace> f;
  Region points;  ///< all of a source
  int level;
  std::size_t bytes;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    constexpr int width = L::pack_width;
    constexpr double smallest = Kokkos::Experimental::norm_min<double>::value;  // of log2_normal()
    constexpr double infinity = Kokkos::Experimental::infinity<double>::value;
    const int k = team.league_rank(), n = points.points();
    double* const along_last =
        static_cast<double*>(team.team_scratch(level).get_shmem_aligned(bytes, 64));
    double* const row = &f(k, 0);
    interpolate_output(team, start.grid, &start.output(k, 0), points, along_last, row);
    const double* const a = &problems.source.weights(problems.source_index(k), 0);
    const double scale = epsilon * std::numbers::ln2;
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, (n + width - 1) / width), [&](int block) {
      const int first = block * width, count = n - first < width ? n - first : width;
      double weight[width], logarithm[width];
      for (int e = 0; e < width; ++e) {
        const double given = e < count ? a[first + e] : 1.0;
        weight[e] = given > smallest ? given : smallest;
      }
      L::store(logarithm, log2_normal(L::load(weight)));
      for (int e = 0; e < count; ++e)
        row[first + e] = a[first + e] > 0 ? row[first + e] + scale * logarithm[e] : -infinity;
    });
  }
};

}  // namespace

template <class ExecutionSpace>
void check_start(const LearnedStart<ExecutionSpace>& start, int batch, int n) {
  const auto& grid = start.grid;
  if (!grid.is_identity()) {
    const int axes = grid.fine[0] + grid.fine[1] + grid.fine[2];
    bool coarser = true;
    for (int axis = 0; axis < 3; ++axis)
      coarser = coarser && grid.coarse[axis] > 0 && grid.coarse[axis] <= grid.fine[axis];
    if (!coarser || grid.fine[0] * grid.fine[1] * grid.fine[2] != n ||
        static_cast<int>(grid.share.extent(0)) != axes ||
        static_cast<int>(grid.below.extent(0)) != axes ||
        static_cast<int>(grid.above.extent(0)) != axes)
      throw std::invalid_argument("the grid of a learned start does not have the source's points");
  }
  check_rows("output", start.output, batch, grid.outputs(n));
}

template <class ExecutionSpace>
void learned_potential(const ExecutionSpace& space, const LearnedStart<ExecutionSpace>& start,
                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                       const Matrix<double, ExecutionSpace>& f) {
  const int batch = problems.size(), n = static_cast<int>(problems.source.weights.extent(1));
  if (batch == 0) return;
  check_rows("f", f, batch, n);
  check_start(start, batch, n);
  const std::size_t bytes = sizeof(double) * static_cast<std::size_t>(start.grid.room());
  const int level = bytes > most_fast_scratch ? 1 : 0;
  Policy<ExecutionSpace> policy(space, batch, Backend<ExecutionSpace>::team_size, 1);
  policy.set_scratch_size(level, Kokkos::PerTeam(static_cast<int>(bytes) + 64));
  Kokkos::parallel_for(
      "otfleet::problems::learned_potential", policy,
      LearnedPotential<ExecutionSpace>{start, problems, epsilon, f, Region::line(n), level, bytes});
}

#define OTFLEET_INSTANTIATE(Space)                                                 \
  template void check_start<Space>(const LearnedStart<Space>&, int, int);          \
  template void learned_potential<Space>(const Space&, const LearnedStart<Space>&, \
                                         const ProblemBatch<Space>&, double,       \
                                         const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
