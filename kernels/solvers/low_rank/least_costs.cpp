#include "kernels/solvers/low_rank/least_costs.hpp"

#include <stdexcept>

#include "kernels/backend.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr int rows_together = 4;  // share the loads of columns
constexpr int strip = 32;         // rows of a team, for which a chunk of columns stays in a cache
constexpr int chunk_numbers = 4096;  // of columns

/// A strip of rows a team, on a thread with its vector lanes, which hold columns.
template <class ExecutionSpace>
struct LeastCosts {
  using L = PointLanes<ExecutionSpace, double>;
  using Pack = typename L::Pack;

  Matrix<const double, ExecutionSpace> rows;
  Vector<const double, ExecutionSpace> columns;  ///< [d + 1, padded]: −2 y, then |y|² − height
  Vector<double, ExecutionSpace> least;
  Vector<int, ExecutionSpace> which;
  int padded;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int count = static_cast<int>(rows.extent(0)), begin = team.league_rank() * strip,
              end = begin + strip < count ? begin + strip : count;
    if constexpr (L::pack_width > 1) {
      by_packs(begin, end);
    } else {
      for (int i = begin; i < end; ++i) by_threads(team, i);
    }
  }

  KOKKOS_INLINE_FUNCTION const double* column(int c) const {
    return columns.data() + static_cast<std::size_t>(c) * static_cast<std::size_t>(padded);
  }

  void by_packs(int begin, int end) const {
    const int d = static_cast<int>(rows.extent(1));
    const double infinite = Kokkos::Experimental::infinity<double>::value;
    Pack best[strip], place[strip];
    for (int r = 0; r < strip; ++r) best[r] = place[r] = Pack(infinite);
    double numbers[L::pack_width];
    for (int lane = 0; lane < L::pack_width; ++lane) numbers[lane] = lane;
    const Pack lanes = L::load(numbers);
    const int chunk = ((chunk_numbers / (d + 1)) / L::pack_width + 1) * L::pack_width;
    for (int first = 0; first < padded; first += chunk) {
      const int stop = first + chunk < padded ? first + chunk : padded;
      for (int i = begin; i < end; i += rows_together) {
        const double* x[rows_together];
        for (int r = 0; r < rows_together; ++r) x[r] = &rows(i + r < end ? i + r : end - 1, 0);
        Pack* const mine = best + (i - begin);
        Pack* const at = place + (i - begin);
        for (int j = first; j < stop; j += L::pack_width) {
          const Pack height = L::load(column(d) + j);
          Pack cost[rows_together] = {height, height, height, height};
          for (int c = 0; c < d; ++c) {
            const Pack y = L::load(column(c) + j);
            for (int r = 0; r < rows_together; ++r) cost[r] = cost[r] + y * Pack(x[r][c]);
          }
          const Pack number = lanes + Pack(static_cast<double>(j));
          for (int r = 0; r < rows_together; ++r) {
            at[r] = if_greater(mine[r], cost[r], number, at[r]);
            mine[r] = min(cost[r], mine[r]);
          }
        }
      }
    }
    for (int i = begin; i < end; ++i) {
      double values[L::pack_width], places[L::pack_width], square = 0;
      L::store(values, best[i - begin]);
      L::store(places, place[i - begin]);
      int lane = 0;
      for (int other = 1; other < L::pack_width; ++other)
        if (values[other] < values[lane] ||
            (values[other] == values[lane] && places[other] < places[lane]))
          lane = other;
      for (int c = 0; c < d; ++c) square += rows(i, c) * rows(i, c);
      least(i) = square + values[lane];
      if (which.extent(0) > 0) which(i) = static_cast<int>(places[lane]);
    }
  }

  template <class TeamMember>
  KOKKOS_INLINE_FUNCTION void by_threads(const TeamMember& team, int i) const {
    using Best = Kokkos::MinLoc<double, int>;
    const int d = static_cast<int>(rows.extent(1));
    typename Best::value_type best;
    Kokkos::parallel_reduce(
        Kokkos::ThreadVectorRange(team, padded),
        [&](int j, typename Best::value_type& mine) {
          double cost = column(d)[j];
          for (int c = 0; c < d; ++c) cost += column(c)[j] * rows(i, c);
          if (cost < mine.val || (cost == mine.val && j < mine.loc)) {
            mine.val = cost;
            mine.loc = j;
          }
        },
        Best(best));
    Kokkos::single(Kokkos::PerThread(team), [&]() {
      double square = 0;
      for (int c = 0; c < d; ++c) square += rows(i, c) * rows(i, c);
      least(i) = square + best.val;
      if (which.extent(0) > 0) which(i) = best.loc;
    });
  }
};

}  // namespace

template <class ExecutionSpace>
void least_costs(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& rows,
                 const Matrix<const double, ExecutionSpace>& columns,
                 const Vector<const double, ExecutionSpace>& heights,
                 const Vector<double, ExecutionSpace>& least,
                 const Vector<int, ExecutionSpace>& which) {
  using L = PointLanes<ExecutionSpace, double>;
  const int count = static_cast<int>(rows.extent(0)), m = static_cast<int>(columns.extent(0)),
            d = static_cast<int>(columns.extent(1));
  if (m < 1 || static_cast<int>(rows.extent(1)) != d || static_cast<int>(heights.extent(0)) != m ||
      static_cast<int>(least.extent(0)) != count)
    throw std::invalid_argument("least costs are between rows [n, d] and columns [m, d]");
  const int padded = (m + L::pack_width - 1) / L::pack_width * L::pack_width;
  const Vector<double, ExecutionSpace> turned(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::low_rank::columns"),
      static_cast<std::size_t>(d + 1) * static_cast<std::size_t>(padded));
  Kokkos::parallel_for(
      "otfleet::low_rank::turn_columns", Kokkos::RangePolicy<ExecutionSpace>(space, 0, padded),
      KOKKOS_LAMBDA(int j) {
        double square = 0;
        for (int c = 0; c < d; ++c) {
          const double y = j < m ? columns(j, c) : 0.0;
          turned(static_cast<std::size_t>(c) * padded + j) = -2 * y;
          square += y * y;
        }
        turned(static_cast<std::size_t>(d) * padded + j) =
            j < m ? square - heights(j) : Kokkos::Experimental::infinity<double>::value;
      });
  const LeastCosts<ExecutionSpace> kernel{rows, turned, least, which, padded};
  Kokkos::parallel_for("otfleet::low_rank::least_costs",
                       Policy<ExecutionSpace>(space, (count + strip - 1) / strip, 1,
                                              Backend<ExecutionSpace>::vector_length),
                       kernel);
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                   \
  template void least_costs<Space>(const Space&, const Matrix<const double, Space>&, \
                                   const Matrix<const double, Space>&,               \
                                   const Vector<const double, Space>&,               \
                                   const Vector<double, Space>&, const Vector<int, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
