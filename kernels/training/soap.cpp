#include "kernels/training/soap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "kernels/matrix_product.hpp"
#include "kernels/spaces.hpp"
#include "kernels/training/adam_rule.hpp"
#include "kernels/training/orthonormal_rows.hpp"

namespace otfleet::kernels {
namespace {

using detail::Form;
using detail::multiply;

/// Added to a factor, as a share of the mean of its eigenvalues: directions in which there never
/// was a gradient keep their place in the basis.
constexpr double ridge = 1e-6;

template <class ExecutionSpace>
using Numbers = Vector<float, ExecutionSpace>;
template <class ExecutionSpace>
using Square = Matrix<float, ExecutionSpace>;

template <class ExecutionSpace>
Matrix<float, ExecutionSpace> matrix_at(const Numbers<ExecutionSpace>& values, std::size_t offset,
                                        int rows, int columns) {
  return Matrix<float, ExecutionSpace>(values.data() + offset, static_cast<std::size_t>(rows),
                                       static_cast<std::size_t>(columns));
}

std::size_t product_of(int a, int b) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
}

/// What belongs to the rows and to the columns of a matrix, [m, m] and [n, n].
std::size_t sides_size(const MatrixPlace& place) {
  return product_of(place.rows, place.rows) + product_of(place.columns, place.columns);
}
template <class ExecutionSpace>
std::pair<Square<ExecutionSpace>, Square<ExecutionSpace>> sides_at(
    const Numbers<ExecutionSpace>& values, std::size_t offset, const MatrixPlace& place) {
  return {matrix_at<ExecutionSpace>(values, offset, place.rows, place.rows),
          matrix_at<ExecutionSpace>(values, offset + product_of(place.rows, place.rows),
                                    place.columns, place.columns)};
}

template <class ExecutionSpace>
void copy_clipped(const ExecutionSpace& space, double clip,
                  const Vector<const double, ExecutionSpace>& squared_norm,
                  const Vector<const float, ExecutionSpace>& gradient,
                  const Numbers<ExecutionSpace>& slope) {
  const double* const square = squared_norm.data();
  Kokkos::parallel_for(
      "otfleet::training::copy_clipped",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, slope.extent(0)), KOKKOS_LAMBDA(std::size_t i) {
        slope(i) = detail::clip_factor(clip, *square) * gradient(i);
      });
}

/// slope becomes the update of Adam that it leads to.
template <class ExecutionSpace>
void adam_direction(const ExecutionSpace& space, const AdamSettings& adam, long step,
                    const Numbers<ExecutionSpace>& slope, const Numbers<ExecutionSpace>& first,
                    const Numbers<ExecutionSpace>& second) {
  const detail::AdamRule rule(adam, step);
  float* const g = slope.data();
  float* const m = first.data();
  float* const v = second.data();
  Kokkos::parallel_for(
      "otfleet::training::adam_direction",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, slope.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { g[i] = rule.update(g[i], m[i], v[i]); });
}

template <class ExecutionSpace>
void subtract(const ExecutionSpace& space, double kept, const Numbers<ExecutionSpace>& direction,
              const Numbers<ExecutionSpace>& parameters) {
  const auto factor = static_cast<float>(kept);
  Kokkos::parallel_for(
      "otfleet::training::subtract",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, parameters.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { parameters(i) = factor * parameters(i) - direction(i); });
}

template <class ExecutionSpace>
void set_identity(const ExecutionSpace& space, const Square<ExecutionSpace>& square) {
  Kokkos::parallel_for(
      "otfleet::training::identity",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, square.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) {
        for (std::size_t j = 0; j < square.extent(1); ++j) square(i, j) = i == j ? 1 : 0;
      });
}

/// estimate_i = <rows_i, basis_i>: nearly the eigenvalues.
template <class ExecutionSpace>
void estimate_eigenvalues(const ExecutionSpace& space, const Square<ExecutionSpace>& rows,
                          const Square<ExecutionSpace>& basis,
                          const Numbers<ExecutionSpace>& estimate) {
  Kokkos::parallel_for(
      "otfleet::training::estimate_eigenvalues",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows.extent(0)), KOKKOS_LAMBDA(std::size_t i) {
        float sum = 0;
        for (std::size_t j = 0; j < rows.extent(1); ++j) sum += rows(i, j) * basis(i, j);
        estimate(i) = sum;
      });
}

/// to_i = scale rows_k + shift basis_k with k = order_i.
template <class ExecutionSpace>
void sort_rows(const ExecutionSpace& space, const Vector<int, ExecutionSpace>& order,
               const Square<ExecutionSpace>& rows, const Square<ExecutionSpace>& basis,
               double scale, double shift, const Square<ExecutionSpace>& to) {
  const auto factor = static_cast<float>(shift), kept = static_cast<float>(scale);
  Kokkos::parallel_for(
      "otfleet::training::sort_rows", Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) {
        for (std::size_t j = 0; j < rows.extent(1); ++j)
          to(i, j) = kept * rows(order(i), j) + factor * basis(order(i), j);
      });
}

/// matrix = left matrix rightᵀ, or where `back` leftᵀ matrix right.
template <class ExecutionSpace>
void rotate(bool back, const Square<ExecutionSpace>& left, const Square<ExecutionSpace>& right,
            const Matrix<float, ExecutionSpace>& matrix, const Numbers<ExecutionSpace>& work) {
  using Constant = Matrix<const float, ExecutionSpace>;
  const auto half = matrix_at<ExecutionSpace>(work, 0, static_cast<int>(matrix.extent(0)),
                                              static_cast<int>(matrix.extent(1)));
  multiply<ExecutionSpace, float>(back ? Form::at_b : Form::a_b, Constant(left), Constant(matrix),
                                  0, half);
  multiply<ExecutionSpace, float>(back ? Form::a_b : Form::a_bt, Constant(half), Constant(right), 0,
                                  matrix);
}

/// matrix = turn matrix, or matrix turnᵀ where the turn is of the columns.
template <class ExecutionSpace>
void turn_side(const ExecutionSpace& space, bool columns, const Square<ExecutionSpace>& turn,
               const Matrix<float, ExecutionSpace>& matrix, const Numbers<ExecutionSpace>& work) {
  using Constant = Matrix<const float, ExecutionSpace>;
  const auto turned = matrix_at<ExecutionSpace>(work, 0, static_cast<int>(matrix.extent(0)),
                                                static_cast<int>(matrix.extent(1)));
  if (columns)
    multiply<ExecutionSpace, float>(Form::a_bt, Constant(matrix), Constant(turn), 0, turned);
  else
    multiply<ExecutionSpace, float>(Form::a_b, Constant(turn), Constant(matrix), 0, turned);
  Kokkos::deep_copy(space, matrix, turned);
}

/// Rows, or columns, of `matrix` change places: the new k-th is the old order_k-th.
template <class ExecutionSpace>
void sort_side(const ExecutionSpace& space, bool columns, const Vector<int, ExecutionSpace>& order,
               const Matrix<float, ExecutionSpace>& matrix, const Numbers<ExecutionSpace>& work) {
  const auto before = matrix_at<ExecutionSpace>(work, 0, static_cast<int>(matrix.extent(0)),
                                                static_cast<int>(matrix.extent(1)));
  Kokkos::deep_copy(space, before, matrix);
  Kokkos::parallel_for(
      "otfleet::training::sort_side",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, matrix.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) {
        for (std::size_t j = 0; j < matrix.extent(1); ++j)
          matrix(i, j) = columns ? before(i, order(j)) : before(order(i), j);
      });
}

/// What a refresh of one side of a matrix needs.
template <class ExecutionSpace>
struct RefreshedSide {
  bool columns;
  Square<ExecutionSpace> factor, basis;
  Matrix<float, ExecutionSpace> first_moment, second_moment;
  Numbers<ExecutionSpace> estimates, work, product;
  Vector<int, ExecutionSpace> order;
};

/// One orthogonal iteration: the rows of the basis follow the eigenvectors of the factor, those of
/// the largest eigenvalues first. The first moment follows the basis, the second the places of its
/// rows.
template <class ExecutionSpace>
void refresh(const ExecutionSpace& space, const RefreshedSide<ExecutionSpace>& side) {
  using Constant = Matrix<const float, ExecutionSpace>;
  const auto& basis = side.basis;
  const int size = static_cast<int>(basis.extent(0));
  const auto product = matrix_at<ExecutionSpace>(side.product, 0, size, size);
  const auto next = matrix_at<ExecutionSpace>(side.work, 0, size, size);
  multiply<ExecutionSpace, float>(Form::a_b, Constant(basis), Constant(side.factor), 0, product);
  estimate_eigenvalues<ExecutionSpace>(space, product, basis, side.estimates);
  const auto some = std::pair(0, size);
  const auto values = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(),
                                                          Kokkos::subview(side.estimates, some));
  const double trace = std::accumulate(values.data(), values.data() + size, 0.0);
  // Where gradients have ended, what is left of the factor falls out of float's range.
  if (!(trace >= std::numeric_limits<float>::min()) || !std::isfinite(trace)) return;
  const auto order = Kokkos::subview(side.order, some);
  const auto places = Kokkos::create_mirror_view(order);
  std::iota(places.data(), places.data() + size, 0);
  std::stable_sort(places.data(), places.data() + size,
                   [&](int a, int b) { return values(a) > values(b); });
  Kokkos::deep_copy(order, places);
  // Of eigenvalues of about 1, so that the ridge is a number of float, whatever they were.
  const double scale = std::ldexp(1.0, -std::ilogb(trace));
  sort_rows<ExecutionSpace>(space, side.order, product, basis, scale, scale * ridge * trace / size,
                            next);
  orthonormalize_rows<ExecutionSpace>(space, next, product);
  multiply<ExecutionSpace, float>(Form::a_bt, Constant(next), Constant(basis), 0, product);
  Kokkos::deep_copy(space, basis, next);
  turn_side<ExecutionSpace>(space, side.columns, product, side.first_moment, side.work);
  sort_side<ExecutionSpace>(space, side.columns, side.order, side.second_moment, side.work);
}

}  // namespace

template <class ExecutionSpace>
Soap<ExecutionSpace>::Soap(SoapSettings settings, std::vector<MatrixPlace> matrices,
                           std::size_t parameters)
    : settings_(settings), matrices_(std::move(matrices)) {
  int side = 0;
  for (const MatrixPlace& matrix : matrices_) {
    if (matrix.rows < 1 || matrix.columns < 1 ||
        matrix.offset + product_of(matrix.rows, matrix.columns) > parameters)
      throw std::invalid_argument("a matrix is not inside the parameters");
    factor_size_ += sides_size(matrix);
    side = std::max({side, matrix.rows, matrix.columns});
  }
  const auto most = static_cast<std::size_t>(side);
  slope_ = Vector<float, ExecutionSpace>("otfleet::training::slope", parameters);
  work_ = Vector<float, ExecutionSpace>("otfleet::training::work", most * most);
  product_ = Vector<float, ExecutionSpace>("otfleet::training::product", most * most);
  estimates_ = Vector<float, ExecutionSpace>("otfleet::training::estimates", most);
  order_ = Vector<int, ExecutionSpace>("otfleet::training::order", most);
}

template <class ExecutionSpace>
void Soap<ExecutionSpace>::step(const ExecutionSpace& space, const AdamSettings& adam, long step,
                                double clip,
                                const Vector<const double, ExecutionSpace>& squared_norm,
                                const Vector<const float, ExecutionSpace>& gradient,
                                const Vector<float, ExecutionSpace>& parameters,
                                const State& state) {
  using Constant = Matrix<const float, ExecutionSpace>;
  copy_clipped(space, clip, squared_norm, gradient, slope_);
  // From the gradients of earlier steps: a basis that knows this one would make it larger in a
  // direction than the second moment there expects.
  const bool refreshes = step > 1 && (step - 1) % settings_.basis_every == 0;
  std::size_t at = 0;
  const double decay = settings_.factor_decay;
  for (const MatrixPlace& place : matrices_) {
    const auto slope = matrix_at<ExecutionSpace>(slope_, place.offset, place.rows, place.columns);
    const auto [left_factor, right_factor] = sides_at<ExecutionSpace>(state.factors, at, place);
    const auto [left, right] = sides_at<ExecutionSpace>(state.bases, at, place);
    if (step == 1) {
      set_identity<ExecutionSpace>(space, left);
      set_identity<ExecutionSpace>(space, right);
    }
    if (refreshes) {
      const auto first =
          matrix_at<ExecutionSpace>(state.first_moment, place.offset, place.rows, place.columns);
      const auto second =
          matrix_at<ExecutionSpace>(state.second_moment, place.offset, place.rows, place.columns);
      refresh<ExecutionSpace>(
          space, {false, left_factor, left, first, second, estimates_, work_, product_, order_});
      refresh<ExecutionSpace>(
          space, {true, right_factor, right, first, second, estimates_, work_, product_, order_});
    }
    multiply<ExecutionSpace, float>(Form::a_bt, Constant(slope), Constant(slope), decay,
                                    left_factor, 1 - decay);
    multiply<ExecutionSpace, float>(Form::at_b, Constant(slope), Constant(slope), decay,
                                    right_factor, 1 - decay);
    rotate<ExecutionSpace>(false, left, right, slope, work_);
    at += sides_size(place);
  }
  AdamSettings rising = adam;
  rising.learning_rate *=
      std::min(1.0, static_cast<double>(step) / static_cast<double>(settings_.warm_up));
  adam_direction<ExecutionSpace>(space, rising, step, slope_, state.first_moment,
                                 state.second_moment);
  at = 0;
  for (const MatrixPlace& place : matrices_) {
    const auto [left, right] = sides_at<ExecutionSpace>(state.bases, at, place);
    rotate<ExecutionSpace>(
        true, left, right,
        matrix_at<ExecutionSpace>(slope_, place.offset, place.rows, place.columns), work_);
    at += sides_size(place);
  }
  subtract<ExecutionSpace>(space, 1 - rising.learning_rate * rising.weight_decay, slope_,
                           parameters);
}

#define OTFLEET_INSTANTIATE(Space) template class Soap<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
