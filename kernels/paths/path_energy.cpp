#include "kernels/paths/path_energy.hpp"

#include <stdexcept>
#include <string>
#include <variant>

#include "kernels/host_values.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class ExecutionSpace>
Matrix<double, ExecutionSpace> path_table(const std::vector<double>& values, int columns) {
  const auto width = static_cast<std::size_t>(columns);
  Matrix<double, ExecutionSpace> table("otfleet::paths::basis", values.size() / width, width);
  Kokkos::deep_copy(table, Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace,
                                        Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
                               values.data(), values.size() / width, width));
  return table;
}

/// What a kernel takes for a Lagrangian: itself, unless it refers to numbers, which lie at `grid`
/// on the device.
template <class Typed>
auto terms_on_device(const Typed& typed, const double* grid) {
  if constexpr (has_grid<Typed>)
    return typed.terms(grid);
  else
    return typed;
}

/// The actions of some rows, a pack of them a team, which lie side by side in its scratch memory.
template <class ExecutionSpace, class Scalar, class Typed>
struct ActionKernel {
  using Member = Team<ExecutionSpace>;
  using Lanes = PointLanes<ExecutionSpace, Scalar>;
  using Pack = typename Lanes::Pack;
  static constexpr int width = Lanes::pack_width;
  static constexpr int room = Typed::dimension > 0 ? Typed::dimension : most_path_dimension;

  Typed lagrangian;
  Matrix<double, ExecutionSpace> basis;  ///< [points, coefficients]
  int dimension;
  bool target_is_free;
  bool straight;  ///< coefficients are zero
  Matrix<const Scalar, ExecutionSpace> rows;
  Vector<Scalar, ExecutionSpace> value;
  Matrix<Scalar, ExecutionSpace> gradient;  ///< or nothing

  KOKKOS_FUNCTION int coordinates() const {
    return Typed::dimension > 0 ? Typed::dimension : dimension;
  }

  /// `numbers` [2, length, width]: a pack of rows, and what will be their gradients.
  KOKKOS_FUNCTION void run(Scalar* numbers, int length, Scalar* sums) const {
    const int d = coordinates(), points = static_cast<int>(basis.extent(0)),
              coefficients = static_cast<int>(basis.extent(1));
    const bool slopes = gradient.extent(0) > 0;
    const Scalar* const u = numbers;
    const Scalar* const x = u + coefficients * d * width;
    const Scalar* const y = x + d * width;
    Scalar* const slope_u = numbers + length * width;
    Scalar* const slope_y = slope_u + (coefficients + 1) * d * width;
    for (int i = 0; i < length * width; ++i) slope_u[i] = 0;
    const double step = 1 / static_cast<double>(points - 1);
    const Pack half(0.5), steps(static_cast<double>(points - 1)), length_of_step(step);
    Pack before[room], carried[room];
    for (int i = 0; i < d; ++i) {
      before[i] = Lanes::load(x + i * width);
      carried[i] = Pack(0.0);
    }
    Pack sum(0.0);
    // The derivative by point k, complete once the steps on both sides are known.
    const auto give = [&](int k, const Pack* slope) {
      const double* const at = &basis(k, 0);
      for (int j = 0; j < coefficients; ++j) {
        const Pack share(at[j]);
        for (int i = 0; i < d; ++i) {
          Scalar* const to = slope_u + (j * d + i) * width;
          Lanes::store(to, Lanes::load(to) + share * slope[i]);
        }
      }
      if (!target_is_free) return;
      const Pack time(step * k);
      for (int i = 0; i < d; ++i) {
        Scalar* const to = slope_y + i * width;
        Lanes::store(to, Lanes::load(to) + time * slope[i]);
      }
    };
    for (int k = 1; k < points; ++k) {
      const double time = step * k;
      const double* const at = &basis(k, 0);
      Pack here[room], middle[room], velocity[room], slope_x[room], slope_v[room];
      for (int i = 0; i < d; ++i)
        here[i] =
            Pack(1 - time) * Lanes::load(x + i * width) + Pack(time) * Lanes::load(y + i * width);
      for (int j = 0; j < (straight ? 0 : coefficients); ++j) {
        const Pack share(at[j]);
        for (int i = 0; i < d; ++i)
          here[i] = here[i] + share * Lanes::load(u + (j * d + i) * width);
      }
      for (int i = 0; i < d; ++i) {
        middle[i] = half * (before[i] + here[i]);
        velocity[i] = steps * (here[i] - before[i]);
        before[i] = here[i];
      }
      sum = sum + length_of_step * lagrangian.value(middle, velocity, d, slope_x, slope_v);
      if (!slopes) continue;
      for (int i = 0; i < d; ++i) {
        const Pack by_place = half * length_of_step * slope_x[i];
        carried[i] = carried[i] + by_place - slope_v[i];
        slope_x[i] = by_place + slope_v[i];
      }
      if (k > 1) give(k - 1, carried);
      for (int i = 0; i < d; ++i) carried[i] = slope_x[i];
    }
    if (slopes) give(points - 1, carried);
    Lanes::store(sums, sum);
  }

  KOKKOS_FUNCTION void operator()(const Member& team) const {
    const int length = static_cast<int>(rows.extent(1)), count = static_cast<int>(rows.extent(0));
    const int first = team.league_rank() * width;
    Scalar* const numbers = static_cast<Scalar*>(
        team.team_scratch(0).get_shmem_aligned(scratch_bytes(length), OTFLEET_VECTOR_BYTES));
    Scalar* const sums = numbers + 2 * length * width;
    for (int e = 0; e < width; ++e) {
      const int row = first + e < count ? first + e : count - 1;
      for (int i = 0; i < length; ++i) numbers[i * width + e] = rows(row, i);
    }
    run(numbers, length, sums);
    for (int e = 0; e < width && first + e < count; ++e) {
      value(first + e) = sums[e];
      if (gradient.extent(0) == 0) continue;
      for (int i = 0; i < length; ++i) gradient(first + e, i) = numbers[(length + i) * width + e];
    }
  }

  KOKKOS_INLINE_FUNCTION static std::size_t scratch_bytes(int length) {
    return sizeof(Scalar) * static_cast<std::size_t>((2 * length + 1) * width);
  }

  void launch(const ExecutionSpace& space) const {
    const int tiles = (static_cast<int>(rows.extent(0)) + width - 1) / width;
    if (tiles == 0) return;
    Policy<ExecutionSpace> policy(space, tiles, 1);
    policy.set_scratch_size(
        0, Kokkos::PerTeam(static_cast<int>(scratch_bytes(static_cast<int>(rows.extent(1)))) +
                           OTFLEET_VECTOR_BYTES));
    Kokkos::parallel_for("otfleet::paths::action", policy, *this);
  }
};

}  // namespace

template <class ExecutionSpace>
PathTables<ExecutionSpace>::PathTables(const PathBasis& basis)
    : at_points(path_table<ExecutionSpace>(basis.at_points, basis.coefficients)),
      at_nodes(path_table<ExecutionSpace>(basis.at_nodes, basis.coefficients)),
      at_fine(path_table<ExecutionSpace>(basis.at_fine, basis.coefficients)),
      bow(copy_to_device<ExecutionSpace>("otfleet::paths::bow", basis.bow)) {}

template <class ExecutionSpace, class Scalar>
PathEnergy<ExecutionSpace, Scalar>::PathEnergy(const Lagrangian& lagrangian,
                                               const PathTables<ExecutionSpace>& tables,
                                               int dimension, bool target_is_free)
    : lagrangian_(lagrangian),
      tables_(tables),
      dimension_(dimension),
      target_is_free_(target_is_free) {
  const int needed = dimension_of(lagrangian);
  if (dimension < 1 || dimension > most_path_dimension || (needed > 0 && dimension != needed))
    throw std::invalid_argument(
        (needed > 0 ? "lagrangian takes points of " + std::to_string(needed)
                    : "paths take points of 1 to " + std::to_string(most_path_dimension)) +
        " coordinates, not " + std::to_string(dimension));
  take_grid();
}

template <class ExecutionSpace, class Scalar>
void PathEnergy<ExecutionSpace, Scalar>::take_grid() {
  std::visit(
      [&](const auto& typed) {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>)
          if (typed.values && typed.values != taken_) {
            taken_ = typed.values;
            grid_ = copy_to_device<ExecutionSpace>("otfleet::paths::grid", *typed.values);
          }
      },
      lagrangian_);
}

template <class ExecutionSpace, class Scalar>
int PathEnergy<ExecutionSpace, Scalar>::dimension() const {
  return (static_cast<int>(tables_.at_points.extent(1)) + 2) * dimension_;
}

template <class ExecutionSpace, class Scalar>
void PathEnergy<ExecutionSpace, Scalar>::run(const ExecutionSpace& space,
                                             const Matrix<double, ExecutionSpace>& basis,
                                             bool target_is_free, bool straight,
                                             const Matrix<const Scalar, ExecutionSpace>& rows,
                                             const Vector<Scalar, ExecutionSpace>& value,
                                             const Matrix<Scalar, ExecutionSpace>& gradient) const {
  std::visit(
      [&](const auto& typed) {
        const auto terms = terms_on_device(typed, grid_.data());
        ActionKernel<ExecutionSpace, Scalar, std::remove_cvref_t<decltype(terms)>>{
            terms, basis, dimension_, target_is_free, straight, rows, value, gradient}
            .launch(space);
      },
      lagrangian_);
}

template <class ExecutionSpace, class Scalar>
void PathEnergy<ExecutionSpace, Scalar>::evaluate(const ExecutionSpace& space,
                                                  const Matrix<const Scalar, ExecutionSpace>& rows,
                                                  const Vector<Scalar, ExecutionSpace>& value,
                                                  const Matrix<Scalar, ExecutionSpace>& gradient) {
  run(space, tables_.at_points, target_is_free_, false, rows, value, gradient);
}

template <class ExecutionSpace, class Scalar>
void PathEnergy<ExecutionSpace, Scalar>::evaluate_finely(
    const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& rows,
    const Vector<Scalar, ExecutionSpace>& value, bool straight) {
  run(space, tables_.at_fine, false, straight, rows, value, {});
}

#define OTFLEET_INSTANTIATE(Space)         \
  template struct PathTables<Space>;       \
  template class PathEnergy<Space, float>; \
  template class PathEnergy<Space, double>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
