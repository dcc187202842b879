#include "kernels/solvers/sliced/sliced.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernels/counter_random.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/rounding.hpp"
#include "kernels/solvers/line_order.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr int most_moment_coordinates = 16;  // beyond, moments would take longer than sorting

/// One problem on one thread.
template <class ExecutionSpace>
struct Lines {
  SlicedBatch<ExecutionSpace> problems;
  Matrix<double, ExecutionSpace> numbers;  ///< [threads, …]
  Matrix<int, ExecutionSpace> places;      ///< [threads, …]

  struct Side {
    const double *points, *weights;
    int count;
    double* at;  ///< projections
    int* order;
  };
  struct Work {
    Side x, y;
    int d;
    int* memory;
    double* rest;  ///< numbers beside the projections
  };

  static long numbers_for(const SlicedBatch<ExecutionSpace>& problems, long more) {
    return problems.source.largest + problems.target.largest + more;
  }
  static long places_for(const SlicedBatch<ExecutionSpace>& problems) {
    return problems.source.largest + problems.target.largest +
           LineOrder::ints(std::max(problems.source.largest, problems.target.largest));
  }

  KOKKOS_FUNCTION Work work(int thread, int k) const {
    const auto side = [&](const typename SlicedBatch<ExecutionSpace>::Side& from, double* at,
                          int* order) {
      const int s = from.index(k);
      const long first = from.offsets(s);
      return Side{from.points.data() + first * static_cast<long>(from.points.extent(1)),
                  from.weights.data() + first, static_cast<int>(from.offsets(s + 1) - first), at,
                  order};
    };
    double* const values = &numbers(thread, 0);
    int* const orders = &places(thread, 0);
    Work result;
    result.x = side(problems.source, values, orders);
    result.y =
        side(problems.target, values + problems.source.largest, orders + problems.source.largest);
    result.d = static_cast<int>(problems.source.points.extent(1));
    result.rest = values + problems.source.largest + problems.target.largest;
    result.memory = orders + problems.source.largest + problems.target.largest;
    return result;
  }

  KOKKOS_FUNCTION static void project(const Side& side, int d, const double* direction,
                                      int* memory) {
    for (int i = 0; i < side.count; ++i) {
      const double* const point = side.points + static_cast<long>(i) * d;
      double sum = 0;
      for (int c = 0; c < d; ++c) sum += direction[c] * point[c];
      side.at[i] = sum;
    }
    LineOrder::sort(side.at, side.count, side.order, memory);
  }

  KOKKOS_FUNCTION double power_of(double length) const {
    return problems.power == 2   ? length * length
           : problems.power == 1 ? length
                                 : ::pow(length, problems.power);
  }

  /// visit(i, j, mass) for the entries of the plan of the line, in order. Rounding of weights is
  /// left to the last ones.
  template <class Visit>
  KOKKOS_FUNCTION static void each_entry(const Work& work, const Visit& visit) {
    int i = 0, j = 0;
    double left = work.x.weights[work.x.order[0]], other = work.y.weights[work.y.order[0]];
    while (true) {
      const bool source_ends = i + 1 == work.x.count, target_ends = j + 1 == work.y.count;
      const double mass = source_ends && !target_ends   ? other
                          : target_ends && !source_ends ? left
                          : left < other                ? left
                                                        : other;
      visit(work.x.order[i], work.y.order[j], mass > 0 ? mass : 0.0);
      if (source_ends && target_ends) return;
      const bool source_moves = !source_ends && (target_ends || left <= other);
      const bool target_moves = !target_ends && (source_ends || other <= left);
      left -= mass;
      other -= mass;
      if (source_moves) left = work.x.weights[work.x.order[++i]];
      if (target_moves) other = work.y.weights[work.y.order[++j]];
    }
  }

  /// F along a direction.
  KOKKOS_FUNCTION double value(const Work& work, const double* direction) const {
    project(work.x, work.d, direction, work.memory);
    project(work.y, work.d, direction, work.memory);
    double sum = 0;
    each_entry(work, [&](int i, int j, double mass) {
      sum += mass * power_of(::fabs(work.x.at[i] - work.y.at[j]));
    });
    return sum;
  }

  /// What rounding may leave of F where it is 0, of points as value() has projected them: weights
  /// are rounded, and so are projections.
  KOKKOS_FUNCTION double dust(const Work& work) const {
    const double first = work.x.at[work.x.order[0]];
    double size = 0, largest = 0;
    for (const Side* side : {&work.x, &work.y})
      for (int i = 0; i < side->count; ++i) {
        const double length = ::fabs(side->at[i]);
        size += side->weights[i] * power_of(::fabs(side->at[i] - first));
        largest = largest > length ? largest : length;
      }
    return sum_rounding(work.x.count + work.y.count) * size +
           power_of((work.d + 4) * one_rounding * largest);
  }

  /// Of the plan that value() has sorted: dF/dt less what is along t; returns its length.
  KOKKOS_FUNCTION double slope(const Work& work, const double* direction, double* gradient) const {
    for (int c = 0; c < work.d; ++c) gradient[c] = 0;
    each_entry(work, [&](int i, int j, double mass) {
      const double gap = work.x.at[i] - work.y.at[j], length = ::fabs(gap);
      const double rate = problems.power == 2   ? 2 * gap
                          : problems.power == 1 ? (gap > 0   ? 1.0
                                                   : gap < 0 ? -1.0
                                                             : 0.0)
                          : length > 0 ? problems.power * ::pow(length, problems.power) / gap
                                       : 0.0;
      const double *const x = work.x.points + static_cast<long>(i) * work.d, *const y =
                                                                                 work.y.points +
                                                                                 static_cast<long>(
                                                                                     j) *
                                                                                     work.d;
      for (int c = 0; c < work.d; ++c) gradient[c] += mass * rate * (x[c] - y[c]);
    });
    double along = 0, square = 0;
    for (int c = 0; c < work.d; ++c) along += gradient[c] * direction[c];
    for (int c = 0; c < work.d; ++c) {
      gradient[c] -= along * direction[c];
      square += gradient[c] * gradient[c];
    }
    return ::sqrt(square);
  }

  /// See MaxSliced::bound. `memory` has 2 d² numbers where d is most_moment_coordinates at most.
  KOKKOS_FUNCTION double bound(const Work& work, double* memory) const {
    const int d = work.d;
    const bool moments = problems.power == 2 && d <= most_moment_coordinates;
    double mean = 0, most = 0;
    if (moments)
      for (int c = 0; c < d * d; ++c) memory[c] = 0;
    each_entry(work, [&](int i, int j, double mass) {
      const double *const x = work.x.points + static_cast<long>(i) * d, *const y =
                                                                            work.y.points +
                                                                            static_cast<long>(j) *
                                                                                d;
      double square = 0;
      for (int c = 0; c < d; ++c) {
        const double difference = x[c] - y[c];
        square += difference * difference;
        if (moments)
          for (int e = 0; e <= c; ++e) memory[c * d + e] += mass * difference * (x[e] - y[e]);
      }
      const double cost = power_of(::sqrt(square));
      mean += mass * cost;
      most = most > cost ? most : cost;
    });
    // Sums are rounded, and so are the masses of the plan, to the last pair that takes what is
    // left.
    const double rounding = 1 + 8 * sum_rounding(work.x.count + work.y.count + d),
                 moved = 2 * sum_rounding(work.x.count + work.y.count) * most;
    double trace = 0;
    if (moments)
      for (int c = 0; c < d; ++c) trace += memory[c * d + c];
    if (!(trace > 0)) return mean * rounding + moved;
    for (int c = 0; c < d; ++c)
      for (int e = c + 1; e < d; ++e) memory[c * d + e] = memory[e * d + c];
    return largest_eigenvalue(memory, memory + d * d, d) * rounding + moved;
  }

  /// At least the largest eigenvalue: the root of the trace of a power of the matrix, which
  /// d^(1/512) times it exceeds.
  KOKKOS_FUNCTION static double largest_eigenvalue(double* matrix, double* square, int d) {
    double log_scale = 0, exponent = 1;
    for (int doubling = 0; doubling < 9; ++doubling) {
      double trace = 0;
      for (int c = 0; c < d; ++c) trace += matrix[c * d + c];
      for (int c = 0; c < d * d; ++c) matrix[c] /= trace;
      log_scale = 2 * (log_scale + ::log(trace));
      exponent *= 2;
      for (int c = 0; c < d; ++c)
        for (int e = 0; e < d; ++e) {
          double sum = 0;
          for (int k = 0; k < d; ++k) sum += matrix[c * d + k] * matrix[k * d + e];
          square[c * d + e] = sum;
        }
      double* const swapped = matrix;
      matrix = square;
      square = swapped;
    }
    double trace = 0;
    for (int c = 0; c < d; ++c) trace += matrix[c * d + c];
    return ::exp((log_scale + ::log(trace)) / exponent) * (1 + 1e-12);
  }
};

template <class ExecutionSpace>
struct SliceValues {
  Lines<ExecutionSpace> lines;
  Matrix<const double, ExecutionSpace> directions;
  Matrix<double, ExecutionSpace> values, bounds;

  KOKKOS_FUNCTION void operator()(int thread) const {
    const long slices = static_cast<long>(directions.extent(0)),
               count = static_cast<long>(lines.problems.source.index.extent(0)) * slices,
               threads = static_cast<long>(lines.numbers.extent(0));
    for (long item = thread; item < count; item += threads) {
      const int k = static_cast<int>(item / slices), slice = static_cast<int>(item % slices);
      const auto work = lines.work(thread, k);
      values(k, slice) = lines.value(work, &directions(slice, 0));
      bounds(k, slice) = lines.bound(work, work.rest);
    }
  }
};

template <class ExecutionSpace>
struct Ascend {
  Lines<ExecutionSpace> lines;
  MaxSlicedSettings settings;
  MaxSliced<ExecutionSpace> items;

  KOKKOS_FUNCTION void operator()(int thread) const {
    const int count = static_cast<int>(items.direction.extent(0)),
              threads = static_cast<int>(lines.numbers.extent(0));
    for (int item = thread; item < count; item += threads)
      ascend(lines.work(thread, item / settings.starts), item);
  }

  /// trial = the direction moved by an angle toward a tangent of that length; returns F there.
  KOKKOS_FUNCTION double move(const typename Lines<ExecutionSpace>::Work& work,
                              const double* direction, const double* tangent, double length,
                              double angle, double* trial) const {
    const double along = ::cos(angle), aside = ::sin(angle) / length;
    double square = 0;
    for (int c = 0; c < work.d; ++c) {
      trial[c] = along * direction[c] + aside * tangent[c];
      square += trial[c] * trial[c];
    }
    for (int c = 0; c < work.d; ++c) trial[c] /= ::sqrt(square);
    return lines.value(work, trial);
  }

  /// A random tangent; returns its length.
  KOKKOS_FUNCTION static double draw_tangent(const CounterRandom& random, std::uint64_t first,
                                             int d, const double* direction, double* tangent) {
    double along = 0, square = 0;
    for (int c = 0; c < d; ++c) {
      tangent[c] = random.uniform(first + static_cast<std::uint64_t>(c)) - 0.5;
      along += tangent[c] * direction[c];
    }
    for (int c = 0; c < d; ++c) {
      tangent[c] -= along * direction[c];
      square += tangent[c] * tangent[c];
    }
    return ::sqrt(square);
  }

  KOKKOS_FUNCTION void ascend(const typename Lines<ExecutionSpace>::Work& work, int item) const {
    constexpr double first_angle = 0.3, most_angle = 0.7;
    const int d = work.d;
    double* const direction = &items.direction(item, 0);
    double *const gradient = work.rest, *const trial = gradient + d, *const memory = trial + d;
    double value = lines.value(work, direction), length = lines.slope(work, direction, gradient),
           angle = first_angle;
    const double none = lines.dust(work);
    const CounterRandom random(0, static_cast<std::uint64_t>(item % settings.starts));
    Status status = Status::iteration_limit;
    int t = 0;
    bool is_slope = true;  // the tangent that is tried, and not a random one
    while (true) {
      if (!(value > none) || (is_slope && length <= settings.threshold * value) ||
          angle < settings.threshold) {
        status = value >= 0 ? Status::converged : Status::not_finite;
        break;
      }
      if (t >= settings.steps) break;
      ++t;
      double found = length > 0 ? move(work, direction, gradient, length, angle, trial) : 0.0;
      // On an edge the other side may be higher.
      if (!(found > value) && length > 0)
        found = move(work, direction, gradient, length, -angle, trial);
      if (found > value) {
        value = found;
        for (int c = 0; c < d; ++c) direction[c] = trial[c];
        length = lines.slope(work, direction, gradient);
        angle = 1.5 * angle < most_angle ? 1.5 * angle : most_angle;
        is_slope = true;
      } else {
        // Slopes say little on an edge: random tangents are next, at smaller angles.
        angle *= 0.6;
        length = draw_tangent(random, static_cast<std::uint64_t>(t) * static_cast<std::uint64_t>(d),
                              d, direction, gradient);
        is_slope = false;
      }
    }
    value = lines.value(work, direction);
    length = lines.slope(work, direction, gradient);
    items.value(item) = value;
    items.bound(item) = lines.bound(work, memory);
    const double rest = value > none ? length / value : 0.0;
    items.residual(item) = angle < settings.threshold && angle < rest ? angle : rest;
    items.steps(item) = t;
    items.status(item) = static_cast<int>(status);
  }
};

/// See Lines::bound().
template <class ExecutionSpace>
long moment_numbers(const SlicedBatch<ExecutionSpace>& problems) {
  const long d = problems.dimension();
  return d <= most_moment_coordinates && problems.power == 2 ? 2 * d * d : 0;
}

template <class ExecutionSpace>
Lines<ExecutionSpace> lines_for(const ExecutionSpace& space,
                                const SlicedBatch<ExecutionSpace>& problems, long count,
                                long more) {
  if (!(problems.power >= 1)) throw std::invalid_argument("the power must be 1 or more");
  if (problems.source.points.extent(1) != problems.target.points.extent(1) ||
      problems.source.points.extent(1) == 0)
    throw std::invalid_argument("points of both sides must have the same coordinates, 1 or more");
  constexpr long most_threads = 1 << 14, most_bytes = 1 << 30;
  const long numbers = Lines<ExecutionSpace>::numbers_for(problems, more),
             places = Lines<ExecutionSpace>::places_for(problems),
             bytes = numbers * static_cast<long>(sizeof(double)) +
                     places * static_cast<long>(sizeof(int));
  const long threads = std::max(1l, std::min({count, static_cast<long>(space.concurrency()),
                                              most_threads, most_bytes / bytes}));
  const auto rows = static_cast<std::size_t>(threads);
  return {problems,
          Matrix<double, ExecutionSpace>(
              Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::sliced::numbers"), rows,
              static_cast<std::size_t>(numbers)),
          Matrix<int, ExecutionSpace>(
              Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::sliced::places"), rows,
              static_cast<std::size_t>(places))};
}

}  // namespace

template <class ExecutionSpace>
void sliced_values(const ExecutionSpace& space, const SlicedBatch<ExecutionSpace>& problems,
                   const Matrix<const double, ExecutionSpace>& directions,
                   const Matrix<double, ExecutionSpace>& values,
                   const Matrix<double, ExecutionSpace>& bounds) {
  const long count = problems.size() * static_cast<long>(directions.extent(0));
  if (count == 0) return;
  if (static_cast<int>(directions.extent(1)) != problems.dimension())
    throw std::invalid_argument("directions have as many coordinates as points");
  const auto lines = lines_for(space, problems, count, moment_numbers(problems));
  Kokkos::parallel_for(
      "otfleet::sliced::values",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(lines.numbers.extent(0))),
      SliceValues<ExecutionSpace>{lines, directions, values, bounds});
  space.fence();
}

template <class ExecutionSpace>
void max_sliced(const ExecutionSpace& space, const SlicedBatch<ExecutionSpace>& problems,
                const MaxSlicedSettings& settings, const MaxSliced<ExecutionSpace>& items) {
  const auto count = static_cast<long>(items.direction.extent(0));
  if (count == 0) return;
  if (settings.starts < 1 || count != static_cast<long>(problems.size()) * settings.starts)
    throw std::invalid_argument("each problem has the same number of starts, 1 or more");
  const auto lines =
      lines_for(space, problems, count, 2l * problems.dimension() + moment_numbers(problems));
  Kokkos::parallel_for(
      "otfleet::sliced::ascend",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(lines.numbers.extent(0))),
      Ascend<ExecutionSpace>{lines, settings, items});
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                                \
  template void sliced_values<Space>(const Space&, const SlicedBatch<Space>&,                     \
                                     const Matrix<const double, Space>&,                          \
                                     const Matrix<double, Space>&, const Matrix<double, Space>&); \
  template void max_sliced<Space>(const Space&, const SlicedBatch<Space>&,                        \
                                  const MaxSlicedSettings&, const MaxSliced<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
