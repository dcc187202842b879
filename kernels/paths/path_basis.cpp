#include "kernels/paths/path_basis.hpp"

#include <cmath>
#include <cstddef>
#include <stdexcept>

#include "kernels/paths/settings.hpp"
#include "kernels/wide_symmetric_matrix.hpp"

namespace otfleet::kernels {
namespace {

using Values = std::vector<double>;

/// The natural cubic splines that are 1 at one inner node and 0 at the others.
class CardinalSplines {
 public:
  explicit CardinalSplines(int nodes)
      : nodes_(static_cast<std::size_t>(nodes)), curvatures_(nodes_ * inner(), 0.0) {
    for (std::size_t j = 0; j < inner(); ++j) solve(j);
  }

  std::size_t inner() const { return nodes_ - 2; }

  /// All of them at time t, and their derivatives.
  void evaluate(double t, Values& value, Values& slope) const {
    const double step = 1 / static_cast<double>(nodes_ - 1);
    auto cell = static_cast<std::size_t>(t / step);
    if (cell > nodes_ - 2) cell = nodes_ - 2;
    const double b = t / step - static_cast<double>(cell), a = 1 - b;
    value.assign(inner(), 0.0);
    slope.assign(inner(), 0.0);
    for (std::size_t j = 0; j < inner(); ++j) {
      const double low = j + 1 == cell ? 1 : 0, high = j == cell ? 1 : 0;
      const double bend_low = curvature(cell, j), bend_high = curvature(cell + 1, j);
      value[j] = a * low + b * high +
                 ((a * a * a - a) * bend_low + (b * b * b - b) * bend_high) * step * step / 6;
      slope[j] = (high - low) / step +
                 ((1 - 3 * a * a) * bend_low + (3 * b * b - 1) * bend_high) * step / 6;
    }
  }

 private:
  double curvature(std::size_t node, std::size_t j) const {
    return curvatures_[node * inner() + j];
  }

  /// Second derivatives at the nodes of spline j: 0 at both ends (natural), and between
  /// M_{i−1} + 4 M_i + M_{i+1} = 6 (y_{i−1} − 2 y_i + y_{i+1}) / step².
  void solve(std::size_t j) {
    const auto cells = static_cast<double>(nodes_ - 1);
    Values share(inner()), right(inner());
    for (std::size_t i = 0; i < inner(); ++i) {
      const double here = i == j ? -2 : i + 1 == j || j + 1 == i ? 1 : 0;
      const double pivot = i == 0 ? 4 : 4 - share[i - 1];
      share[i] = 1 / pivot;
      right[i] = (6 * cells * cells * here - (i == 0 ? 0 : right[i - 1])) / pivot;
    }
    for (std::size_t i = inner(); i-- > 0;) {
      const double next = i + 1 == inner() ? 0 : curvature(i + 2, j);
      curvatures_[(i + 1) * inner() + j] = right[i] - share[i] * next;
    }
  }

  std::size_t nodes_;
  Values curvatures_;  ///< [nodes, inner]
};

/// ∫ s_i' s_j' dt of the cardinal splines: three Gauss points a cell are exact for derivatives of
/// degree 2.
WideSymmetricMatrix stiffness(const CardinalSplines& splines, int nodes) {
  WideSymmetricMatrix sum(splines.inner());
  Values value, slope;
  const double step = 1.0 / (nodes - 1);
  for (int cell = 0; cell < nodes - 1; ++cell)
    for (int g = -1; g <= 1; ++g) {
      const double weight = (g == 0 ? 8.0 : 5.0) / 18 * step;
      splines.evaluate((cell + 0.5 + g * std::sqrt(0.15)) * step, value, slope);
      for (std::size_t i = 0; i < sum.size(); ++i)
        for (std::size_t j = 0; j < sum.size(); ++j) sum.at(i, j) += weight * slope[i] * slope[j];
    }
  return sum;
}

/// The cardinal splines at equal steps of time, a row each.
std::vector<Values> at_equal_steps(const CardinalSplines& splines, int points) {
  std::vector<Values> rows(static_cast<std::size_t>(points));
  Values slope;
  for (int k = 0; k < points; ++k)
    splines.evaluate(k / static_cast<double>(points - 1), rows[static_cast<std::size_t>(k)], slope);
  rows.front().assign(splines.inner(), 0.0);
  rows.back() = rows.front();
  return rows;
}

/// What the sum over points has in place of the stiffness.
WideSymmetricMatrix summed_stiffness(const std::vector<Values>& rows) {
  WideSymmetricMatrix sum(rows.front().size());
  const auto steps = static_cast<double>(rows.size() - 1);
  for (std::size_t k = 1; k < rows.size(); ++k)
    for (std::size_t i = 0; i < sum.size(); ++i)
      for (std::size_t j = 0; j < sum.size(); ++j)
        sum.at(i, j) += steps * (rows[k][i] - rows[k - 1][i]) * (rows[k][j] - rows[k - 1][j]);
  return sum;
}

/// rows · columns, row-major; columns [inner][coefficients].
Values in_basis(const std::vector<Values>& rows, const std::vector<Values>& columns) {
  Values result;
  for (const Values& row : rows)
    for (std::size_t c = 0; c < columns.front().size(); ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i) sum += row[i] * columns[i][c];
      result.push_back(sum);
    }
  return result;
}

}  // namespace

PathBasis::PathBasis(int nodes_, int points_)
    : nodes(nodes_),
      points(points_),
      fine_points((points_ - 1) * fine_points_per_point + 1),
      coefficients(0) {
  if (nodes < 3) throw std::invalid_argument("a path needs at least 3 nodes");
  if (points < 3) throw std::invalid_argument("an action needs at least 3 points of a path");
  const CardinalSplines splines(nodes);
  const std::size_t inner = splines.inner();
  const auto rows = at_equal_steps(splines, points);
  // With θ = S^(−1/2) z, S the stiffness, the kinetic energy is ½ |z|² and that of the sum
  // ½ z' T z. Eigenvectors of T with eigenvalues λ > 0, times λ^(−1/2), are the basis.
  const WideSymmetricMatrix root = stiffness(splines, nodes).root(true);
  WideSymmetricMatrix diagonal = summed_stiffness(rows).between(root), vectors(inner);
  diagonal.diagonalize(vectors);
  double largest = 0;
  for (std::size_t k = 0; k < inner; ++k) largest = std::fmax(largest, diagonal.at(k, k));
  std::vector<Values> columns(inner);
  Values inverses;
  std::vector<std::size_t> kept;
  for (std::size_t k = 0; k < inner; ++k)
    if (diagonal.at(k, k) > 1e-10 * largest) kept.push_back(k);
  coefficients = static_cast<int>(kept.size());
  for (std::size_t i = 0; i < inner; ++i)
    for (const std::size_t k : kept) {
      double sum = 0;
      for (std::size_t j = 0; j < inner; ++j) sum += root.at(i, j) * vectors.at(k, j);
      columns[i].push_back(sum / std::sqrt(diagonal.at(k, k)));
    }
  at_points = in_basis(rows, columns);
  at_nodes = in_basis(at_equal_steps(splines, nodes), columns);
  at_fine = in_basis(at_equal_steps(splines, fine_points), columns);
  // ψ is orthonormal in the sum's kinetic energy.
  const auto width = static_cast<std::size_t>(coefficients);
  bow.assign(width, 0.0);
  const double pi = std::acos(-1.0);
  for (std::size_t k = 1; k < rows.size(); ++k) {
    const auto time = [&](std::size_t at) {
      return pi * static_cast<double>(at) / static_cast<double>(points - 1);
    };
    const double rise = std::sin(time(k)) - std::sin(time(k - 1));
    for (std::size_t c = 0; c < width; ++c)
      bow[c] += (points - 1) * rise * (at_points[k * width + c] - at_points[(k - 1) * width + c]);
  }
}

}  // namespace otfleet::kernels
