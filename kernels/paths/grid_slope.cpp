#include "kernels/paths/grid_slope.hpp"

#include <stdexcept>
#include <variant>

#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// A path, step by step; see ActionKernel.
template <class ExecutionSpace, class Terms>
struct GridSlopeKernel {
  static constexpr int dimension = Terms::dimension, fields = Terms::fields;

  Terms terms;
  Matrix<double, ExecutionSpace> basis;  ///< [points, coefficients]
  Matrix<const double, ExecutionSpace> x, y, rows;
  double weight;
  Vector<double, ExecutionSpace> slope;

  KOKKOS_FUNCTION void operator()(int path) const {
    const int points = static_cast<int>(basis.extent(0)),
              coefficients = static_cast<int>(basis.extent(1));
    const double step = 1 / static_cast<double>(points - 1);
    double before[dimension], here[dimension], middle[dimension], velocity[dimension];
    for (int i = 0; i < dimension; ++i) before[i] = x(path, i);
    for (int k = 1; k < points; ++k) {
      const double time = step * k;
      for (int i = 0; i < dimension; ++i) {
        here[i] = (1 - time) * x(path, i) + time * y(path, i);
        for (int j = 0; j < coefficients; ++j)
          here[i] += basis(k, j) * rows(path, j * dimension + i);
        middle[i] = 0.5 * (before[i] + here[i]);
        velocity[i] = (here[i] - before[i]) / step;
        before[i] = here[i];
      }
      add(middle, velocity, weight * step);
    }
  }

  KOKKOS_FUNCTION void add(const double* place, const double* velocity, double share) const {
    double by[fields];
    terms.by_numbers(place, velocity, by);
    const auto near = terms.field.stencil(place[0], place[1]);
    const int columns = terms.field.columns, count = terms.field.rows * columns;
    for (int f = 0; f < fields; ++f)
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j)
          Kokkos::atomic_add(&slope(f * count + near.row[i] * columns + near.column[j]),
                             share * by[f] * near.weight[1][i] * near.weight[0][j]);
  }
};

}  // namespace

template <class ExecutionSpace>
void add_grid_slope(const ExecutionSpace& space, const Lagrangian& lagrangian,
                    const Vector<double, ExecutionSpace>& grid,
                    const PathTables<ExecutionSpace>& tables,
                    const Matrix<const double, ExecutionSpace>& x,
                    const Matrix<const double, ExecutionSpace>& y,
                    const Matrix<const double, ExecutionSpace>& coefficients, double weight,
                    const Vector<double, ExecutionSpace>& slope) {
  std::visit(
      [&](const auto& typed) {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>) {
          const auto terms = typed.terms(grid.data());
          using Kernel = GridSlopeKernel<ExecutionSpace, std::remove_cvref_t<decltype(terms)>>;
          if (grid.extent(0) == 0 || slope.extent(0) != grid.extent(0))
            throw std::invalid_argument("slope must have an entry for every number of the grid");
          Kokkos::parallel_for(
              "otfleet::paths::grid_slope",
              Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(x.extent(0))),
              Kernel{terms, tables.at_points, x, y, coefficients, weight, slope});
        } else {
          throw std::invalid_argument("lagrangian has no numbers on a grid");
        }
      },
      lagrangian);
}

#define OTFLEET_INSTANTIATE(Space)                                                             \
  template void add_grid_slope<Space>(                                                         \
      const Space&, const Lagrangian&, const Vector<double, Space>&, const PathTables<Space>&, \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,                  \
      const Matrix<const double, Space>&, double, const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
