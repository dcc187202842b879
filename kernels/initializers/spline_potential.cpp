#include "kernels/initializers/spline_potential.hpp"

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/initializers/measure_moments.hpp"
#include "kernels/initializers/start_batch.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Where the parts of a row of SplineFrames begin.
struct FrameRow {
  int d;

  KOKKOS_FUNCTION int map(bool source) const { return source ? 0 : d * d + d; }  ///< [d, d]
  KOKKOS_FUNCTION int center(bool source) const { return map(source) + d * d; }  ///< [d]
  KOKKOS_FUNCTION int scale() const { return 2 * (d * d + d); }
  KOKKOS_FUNCTION int spread() const { return scale() + 1; }  ///< D [d]
  KOKKOS_FUNCTION int size() const { return spread() + d; }
};

/// u = map (x − center).
KOKKOS_INLINE_FUNCTION void to_frame(const double* row, const FrameRow& at, bool source,
                                     const double* x, double* u) {
  const double* const map = row + at.map(source);
  const double* const center = row + at.center(source);
  for (int p = 0; p < at.d; ++p) {
    u[p] = 0;
    for (int q = 0; q < at.d; ++q) u[p] += map[p * at.d + q] * (x[q] - center[q]);
  }
}

/// The three splines along an axis that a coordinate meets: from which one on, and their values.
struct MetSplines {
  int first;
  double value[3];

  KOKKOS_FUNCTION MetSplines(double u, int nodes) {
    constexpr double reach = SplineBasis::reach;
    const double inside = u < -reach ? -reach : u > reach ? reach : u;
    const double cells = (inside + reach) / (2 * reach) * (nodes - 2);
    const int cell = static_cast<int>(cells);
    first = cell < nodes - 3 ? cell : nodes - 3;
    const double r = cells - first - 0.5;
    value[0] = 0.5 * (0.5 - r) * (0.5 - r);
    value[1] = 0.75 - r * r;
    value[2] = 0.5 * (0.5 + r) * (0.5 + r);
  }
};

/// body(spline, value) for all splines of the basis that a point of the frame meets.
template <class Body>
KOKKOS_FUNCTION void for_met_splines(const SplineBasis& basis, const double* u, const Body& body) {
  const MetSplines last(u[basis.dimension - 1], basis.nodes);
  if (basis.dimension == 1) {
    for (int k = 0; k < 3; ++k) body(last.first + k, last.value[k]);
    return;
  }
  const MetSplines middle(u[basis.dimension - 2], basis.nodes);
  const int planes = basis.dimension == 3 ? 3 : 1;
  const MetSplines first(basis.dimension == 3 ? u[0] : 0.0, basis.nodes);
  for (int i = 0; i < planes; ++i) {
    const int plane = basis.dimension == 3 ? (first.first + i) * basis.nodes : 0;
    const double outer = basis.dimension == 3 ? first.value[i] : 1.0;
    for (int j = 0; j < 3; ++j) {
      const int row = (plane + middle.first + j) * basis.nodes + last.first;
      const double factor = outer * middle.value[j];
      for (int k = 0; k < 3; ++k) body(row + k, factor * last.value[k]);
    }
  }
}

/// Adds to the diagonal what makes a covariance one that can be inverted.
KOKKOS_INLINE_FUNCTION void widen(SmallMatrix& covariance, double width) {
  for (int p = 0; p < covariance.d; ++p) covariance.at[p][p] += width;
}

template <class ExecutionSpace>
struct PairFrameKernel {
  PointMeasures<ExecutionSpace> sources, targets;
  Vector<const int, ExecutionSpace> source_index, target_index;
  Matrix<double, ExecutionSpace> rows;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    constexpr double least_share = 1e-6;
    const int k = team.league_rank(), d = sources.dimension();
    const int source = source_index(k), target = target_index(k);
    double mean_a[max_dimension], mean_b[max_dimension];
    SmallMatrix a = measure_moments(team, sources, source, mean_a);
    SmallMatrix b = measure_moments(team, targets, target, mean_b);
    double trace = 0;
    for (int p = 0; p < d; ++p) trace += a.at[p][p] + b.at[p][p];
    const bool spread = trace > 0;
    const double width = spread ? least_share * trace / (2 * d) : 1.0;
    widen(a, width);
    widen(b, width);
    const SmallMatrix root_a = a.root(false), inverse_a = a.root(true);
    const SmallMatrix root_b = b.root(false), inverse_b = b.root(true);
    // S_a^(1/2) S_b^(1/2) = U D V'.
    double squares[max_dimension];
    SmallMatrix vectors;
    root_a.times(b).times(root_a).diagonalize(squares, vectors);
    const SmallMatrix product = root_a.times(root_b);
    int order[max_dimension] = {0, 1, 2};
    for (int i = 1; i < d; ++i)
      for (int j = i; j > 0 && squares[order[j]] > squares[order[j - 1]]; --j) {
        const int swapped = order[j];
        order[j] = order[j - 1];
        order[j - 1] = swapped;
      }
    double maps[2][max_dimension * max_dimension], singular[max_dimension], mean = 0;
    for (int p = 0; p < d; ++p) {
      const double square = squares[order[p]];
      singular[p] = ::sqrt(square > 0 ? square : 0.0);
      mean += singular[p] / d;
      double left[max_dimension], right[max_dimension];
      for (int q = 0; q < d; ++q) left[q] = vectors.at[q][order[p]];
      for (int q = 0; q < d; ++q) {
        right[q] = 0;
        for (int r = 0; r < d; ++r) right[q] += product.at[r][q] * left[r] / singular[p];
      }
      for (int q = 0; q < d; ++q) {
        maps[0][p * d + q] = maps[1][p * d + q] = 0;
        for (int r = 0; r < d; ++r) {
          maps[0][p * d + q] += left[r] * inverse_a.at[r][q];
          maps[1][p * d + q] += right[r] * inverse_b.at[r][q];
        }
      }
      const double up = third_moment(team, sources, source, mean_a, maps[0] + p * d) +
                        third_moment(team, targets, target, mean_b, maps[1] + p * d);
      if (up < 0)
        for (int q = 0; q < d; ++q) {
          maps[0][p * d + q] *= -1;
          maps[1][p * d + q] *= -1;
        }
    }
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      const FrameRow at{d};
      for (int s = 0; s < 2; ++s)
        for (int e = 0; e < d * d; ++e) rows(k, at.map(s == 0) + e) = maps[s][e];
      for (int p = 0; p < d; ++p) {
        rows(k, at.center(true) + p) = mean_a[p];
        rows(k, at.center(false) + p) = mean_b[p];
        rows(k, at.spread() + p) = spread ? singular[p] : 0.0;
      }
      rows(k, at.scale()) = spread ? mean : 0.0;
    });
  }

  /// Of the coordinate ⟨axis, x − mean⟩.
  KOKKOS_FUNCTION double third_moment(const Team<ExecutionSpace>& team,
                                      const PointMeasures<ExecutionSpace>& measures, int measure,
                                      const double* mean, const double* axis) const {
    const int d = measures.dimension();
    const double* weights = measures.weights_of(measure);
    const double* points = measures.points_of(measure);
    double moment = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, measures.size(measure)),
        [&](int i, double& sum) {
          double u = 0;
          for (int q = 0; q < d; ++q) u += axis[q] * (points[i * d + q] - mean[q]);
          sum += weights[i] * u * u * u;
        },
        moment);
    return moment;
  }
};

/// Sums over the points of a cloud of a value times each spline, as shares of the sum of the
/// values' sizes. Where several threads add them, shares are whole multiples of 2^-50: their order
/// changes nothing.
template <class ExecutionSpace>
struct SplineSumKernel {
  static constexpr bool one_thread = Backend<ExecutionSpace>::team_is_one_thread;
  using Share = std::conditional_t<one_thread, double, std::int64_t>;

  PointMeasures<ExecutionSpace> measures;
  Vector<const int, ExecutionSpace> index;
  bool source;
  SplineBasis basis;
  int count_of_splines;
  Matrix<const double, ExecutionSpace> frames;
  const double* values;                              ///< flat; null: the weights
  Vector<const std::int64_t, ExecutionSpace> begin;  ///< of a problem in values
  double factor, shift;  ///< of the sums; a problem's own scale comes on top where there are values
  Matrix<Share, ExecutionSpace> sums;
  Matrix<float, ExecutionSpace> result;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    constexpr double unit = one_thread ? 1.0 : 0x1p50;
    const int k = team.league_rank(), measure = index(k), d = measures.dimension();
    const int count = measures.size(measure), splines = count_of_splines;
    const FrameRow at{d};
    const double* const row = &frames(k, 0);
    const double* const points = measures.points_of(measure);
    const double* const value =
        values == nullptr ? measures.weights_of(measure) : values + begin(k);
    Share* const sum = &sums(k, 0);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, splines), [&](int s) { sum[s] = 0; });
    double total = 1;
    if (values != nullptr)
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, count),
          [&](int i, double& part) { part += ::fabs(value[i]); }, total);
    team.team_barrier();
    // A slope that is no number has no derivative that helps.
    const bool counts = total > 0 && total < 1e300;
    if (counts)
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), [&](int i) {
        if (value[i] == 0) return;
        double u[most_spline_dimension];
        to_frame(row, at, source, points + static_cast<long>(i) * d, u);
        const double share = value[i] / total * unit;
        for_met_splines(basis, u, [&](int s, double met) {
          if constexpr (one_thread)
            sum[s] += share * met;
          else
            Kokkos::atomic_add(&sum[s], static_cast<Share>(share * met));
        });
      });
    team.team_barrier();
    const double scale =
        counts ? factor * total / unit * (values == nullptr ? 1.0 : row[at.scale()]) : 0.0;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, splines), [&](int s) {
      result(k, s) = static_cast<float>(static_cast<double>(sum[s]) * scale + shift);
    });
  }
};

template <class ExecutionSpace>
struct SplinePotentialKernel {
  StartBatch<ExecutionSpace> problems;
  SplineBasis basis;
  SplineFrames<ExecutionSpace> frames;
  Matrix<const float, ExecutionSpace> coefficients;
  double epsilon;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = team.league_rank(), source = problems.source_index(k);
    const int d = problems.source.dimension();
    const FrameRow at{d};
    const double* const row = &frames.rows(k, 0);
    const double* const target_mean = row + at.center(false);
    const float* const coefficient = &coefficients(k, 0);
    const double* const points = problems.source.points_of(source);
    const double* const weights = problems.source.weights_of(source);
    double* const f = problems.start(k);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, problems.source.size(source)), [&](int i) {
      if (!(weights[i] > 0)) {
        f[i] = -Kokkos::Experimental::infinity<double>::value;
        return;
      }
      const double* const x = points + static_cast<long>(i) * d;
      double u[most_spline_dimension];
      to_frame(row, at, true, x, u);
      double splines = 0;
      for_met_splines(basis, u, [&](int s, double met) {
        splines += met * static_cast<double>(coefficient[s]);
      });
      double value = row[at.scale()] * splines + epsilon * ::log(weights[i]);
      // The map between the Gaussians takes u to u in the frame.
      if (frames.gaussian)
        for (int p = 0; p < d; ++p)
          value += x[p] * x[p] - 2 * target_mean[p] * x[p] - row[at.spread() + p] * u[p] * u[p];
      f[i] = value;
    });
  }
};

template <class ExecutionSpace>
Policy<ExecutionSpace> team_a_problem(const ExecutionSpace& space, int problems) {
  return Policy<ExecutionSpace>(space, problems, Backend<ExecutionSpace>::team_size, 1);
}

template <class ExecutionSpace>
Vector<const int, ExecutionSpace> index_list(const std::vector<int>& measures) {
  return copy_to_device<ExecutionSpace>("otfleet::initializers::list", measures);
}

void check_dimension(int dimension) {
  if (dimension < 1 || dimension > most_spline_dimension)
    throw std::invalid_argument("splines need points of 1 to " +
                                std::to_string(most_spline_dimension) + " coordinates, not " +
                                std::to_string(dimension));
}

void check(const SplineBasis& basis, int dimension, bool sizes_fit) {
  check_dimension(dimension);
  if (basis.dimension != dimension || basis.nodes < fewest_spline_nodes || !sizes_fit)
    throw std::invalid_argument("splines, problems and arrays differ in size");
}

/// Of the sums over one side.
template <class ExecutionSpace>
SplineSumKernel<ExecutionSpace> spline_sums(const CloudBatch<ExecutionSpace>& problems,
                                            const SplineFrames<ExecutionSpace>& frames,
                                            const SplineBasis& basis, Side side,
                                            const Matrix<float, ExecutionSpace>& result) {
  require_whole_measures(problems);
  const bool source = side == Side::source;
  const auto& measures = source ? problems.source : problems.target;
  const auto count = static_cast<std::size_t>(problems.size());
  check(basis, measures.dimension(),
        frames.rows.extent(0) == count && result.extent(0) == count &&
            result.extent(1) >= static_cast<std::size_t>(basis.size()));
  SplineSumKernel<ExecutionSpace> kernel;
  kernel.measures = point_measures(measures);
  kernel.index = index_list<ExecutionSpace>(source ? problems.source_index : problems.target_index);
  kernel.source = source;
  kernel.basis = basis;
  kernel.count_of_splines = basis.size();
  kernel.frames = frames.rows;
  kernel.sums = Matrix<typename SplineSumKernel<ExecutionSpace>::Share, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::initializers::spline_sums"), count,
      static_cast<std::size_t>(basis.size()));
  kernel.result = result;
  return kernel;
}

}  // namespace

template <class ExecutionSpace>
SplineFrames<ExecutionSpace> pair_frames(const ExecutionSpace& space,
                                         const CloudBatch<ExecutionSpace>& problems) {
  const int d = problems.source.dimension();
  check_dimension(d);
  require_whole_measures(problems);
  const Matrix<double, ExecutionSpace> rows(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::initializers::frames"),
      static_cast<std::size_t>(problems.size()), static_cast<std::size_t>(FrameRow{d}.size()));
  if (problems.size() > 0)
    Kokkos::parallel_for("otfleet::initializers::pair_frames",
                         team_a_problem(space, problems.size()),
                         PairFrameKernel<ExecutionSpace>{
                             point_measures(problems.source), point_measures(problems.target),
                             index_list<ExecutionSpace>(problems.source_index),
                             index_list<ExecutionSpace>(problems.target_index), rows});
  return {rows, true};
}

template <class ExecutionSpace>
SplineFrames<ExecutionSpace> box_frames(const ExecutionSpace& space,
                                        const CloudBatch<ExecutionSpace>& problems,
                                        const FrameBox& box) {
  const int d = problems.source.dimension();
  check_dimension(d);
  const FrameRow at{d};
  const auto size = static_cast<std::size_t>(at.size());
  std::vector<double> row(size, 0.0);
  for (const bool source : {true, false}) {
    double* const map = row.data() + at.map(source);
    double* const center = row.data() + at.center(source);
    for (int p = 0; p < d; ++p) {
      const double width = box.upper[p] - box.lower[p];
      map[p * d + p] = width > 0 ? 2 * SplineBasis::reach / width : 0.0;
      center[p] = box.lower[p] + width / 2;
    }
  }
  row[static_cast<std::size_t>(at.scale())] = box.scale;
  const auto same = copy_to_device<ExecutionSpace>("otfleet::initializers::frame", row);
  const Matrix<double, ExecutionSpace> rows(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::initializers::frames"),
      static_cast<std::size_t>(problems.size()), size);
  Kokkos::parallel_for(
      "otfleet::initializers::box_frames",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()), KOKKOS_LAMBDA(int k) {
        for (std::size_t e = 0; e < size; ++e) rows(k, e) = same(e);
      });
  return {rows, false};
}

template <class ExecutionSpace>
void spline_inputs(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                   const SplineFrames<ExecutionSpace>& frames, const SplineBasis& basis, Side side,
                   double epsilon, const Matrix<float, ExecutionSpace>& inputs) {
  if (problems.size() == 0) return;
  auto kernel = spline_sums(problems, frames, basis, side, inputs);
  const int splines = basis.size(), d = basis.dimension;
  kernel.values = nullptr;
  kernel.factor = 0.25 * splines;
  kernel.shift = -0.25;
  Kokkos::parallel_for("otfleet::initializers::spline_inputs",
                       team_a_problem(space, problems.size()), kernel);
  if (static_cast<int>(inputs.extent(1)) < splines + extra_spline_inputs(basis)) return;
  const FrameRow at{d};
  const auto rows = frames.rows;
  const bool known = frames.gaussian;
  Kokkos::parallel_for(
      "otfleet::initializers::extra_spline_inputs",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()), KOKKOS_LAMBDA(int k) {
        const double scale = known ? rows(k, at.scale()) : 0.0;
        inputs(k, splines) = scale > 0 ? static_cast<float>(::log(scale / epsilon)) : 0.0F;
        for (int p = 0; p < d; ++p)
          inputs(k, splines + 1 + p) =
              scale > 0 ? static_cast<float>(rows(k, at.spread() + p) / scale) : 0.0F;
      });
}

template <class ExecutionSpace>
void spline_potential(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      const SplineFrames<ExecutionSpace>& frames, const SplineBasis& basis,
                      double epsilon, const Matrix<const float, ExecutionSpace>& coefficients,
                      const Vector<double, ExecutionSpace>& f) {
  const auto count = static_cast<std::size_t>(problems.size());
  check(basis, problems.source.dimension(),
        frames.rows.extent(0) == count && coefficients.extent(0) == count &&
            coefficients.extent(1) == static_cast<std::size_t>(basis.size()));
  const auto batch = start_batch(problems, f);
  if (problems.size() > 0)
    Kokkos::parallel_for(
        "otfleet::initializers::spline_potential", team_a_problem(space, problems.size()),
        SplinePotentialKernel<ExecutionSpace>{batch, basis, frames, coefficients, epsilon});
}

template <class ExecutionSpace>
void spline_gradient(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                     const SplineFrames<ExecutionSpace>& frames, const SplineBasis& basis,
                     const Vector<const double, ExecutionSpace>& slope,
                     const Matrix<float, ExecutionSpace>& gradient) {
  const auto begin = potential_offsets(problems, slope.extent(0));
  if (problems.size() == 0) return;
  auto kernel = spline_sums(problems, frames, basis, Side::source, gradient);
  kernel.values = slope.data();
  kernel.begin = copy_to_device<ExecutionSpace>("otfleet::initializers::list", begin);
  kernel.factor = 1;
  kernel.shift = 0;
  Kokkos::parallel_for("otfleet::initializers::spline_gradient",
                       team_a_problem(space, problems.size()), kernel);
}

#define OTFLEET_INSTANTIATE(Space)                                                                 \
  template SplineFrames<Space> pair_frames<Space>(const Space&, const CloudBatch<Space>&);         \
  template SplineFrames<Space> box_frames<Space>(const Space&, const CloudBatch<Space>&,           \
                                                 const FrameBox&);                                 \
  template void spline_inputs<Space>(const Space&, const CloudBatch<Space>&,                       \
                                     const SplineFrames<Space>&, const SplineBasis&, Side, double, \
                                     const Matrix<float, Space>&);                                 \
  template void spline_potential<Space>(                                                           \
      const Space&, const CloudBatch<Space>&, const SplineFrames<Space>&, const SplineBasis&,      \
      double, const Matrix<const float, Space>&, const Vector<double, Space>&);                    \
  template void spline_gradient<Space>(                                                            \
      const Space&, const CloudBatch<Space>&, const SplineFrames<Space>&, const SplineBasis&,      \
      const Vector<const double, Space>&, const Matrix<float, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
