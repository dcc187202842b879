#pragma once
#include "kernels/lanes/row_products.hpp"
#include "kernels/rounding.hpp"
#include "kernels/solvers/gromov_wasserstein/gromov_wasserstein.hpp"
#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/row_loops.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"

// One item of a batch in the memory of a team, and what is computed with its plan.

namespace otfleet::kernels {

template <class ExecutionSpace>
struct ProblemPlan {
  using L = PointLanes<ExecutionSpace, double>;
  using Pack = typename L::Pack;
  using Member = Team<ExecutionSpace>;

  int n, m, stride, packs;  ///< stride: of rows over the target's points
  int source_stride;        ///< of D's rows
  const double *a, *b;      ///< weights
  const double *d, *e;      ///< inner costs, rows apart by source_stride and stride
  const double *d_squares, *e_squares;
  const double *x, *y;  ///< points, rows of `coordinates`
  const double *x_profiles, *y_profiles;
  int dimension, coordinates;
  double alpha, epsilon;
  int rank;                         ///< of factors of D and E; 0: products take D and E
  double *f, *g, *cost;             ///< the state
  double *plan, *kernel;            ///< [n, stride]; the kernel's place also holds products
  double *u, *rows;                 ///< [n]
  double *v, *column, *weight;      ///< [stride], weight: b and zeros
  double *updated, *step;           ///< [stride], of the momentum
  double *x_left, *x_right;         ///< factors of D = left rightᵀ, [n, rank]
  double *y_left, *y_right;         ///< of E, [rank, stride]
  double *between, *mixed, *small;  ///< [rank, stride] twice, [rank, rank]

  static KOKKOS_FUNCTION std::size_t numbers(int n, int m_stride, int rank) {
    const auto rows = static_cast<std::size_t>(n), row = static_cast<std::size_t>(m_stride),
               r = static_cast<std::size_t>(rank);
    return 2 * rows * row + 2 * rows + 5 * row + 2 * rows * r + 4 * r * row + r * r;
  }

  /// Gives the arrays their places in `memory`.
  KOKKOS_FUNCTION void place(double* memory) {
    const auto take = [&](std::size_t count) {
      double* const at = memory;
      memory += count;
      return at;
    };
    const auto all = static_cast<std::size_t>(n) * static_cast<std::size_t>(stride),
               row = static_cast<std::size_t>(stride), count = static_cast<std::size_t>(n),
               r = static_cast<std::size_t>(rank);
    plan = take(all);
    kernel = take(all);
    v = take(row);
    column = take(row);
    weight = take(row);
    updated = take(row);
    step = take(row);
    y_left = take(r * row);
    y_right = take(r * row);
    between = take(r * row);
    mixed = take(r * row);
    u = take(count);
    rows = take(count);
    x_left = take(count * r);
    x_right = take(count * r);
    small = take(r * r);
  }

  KOKKOS_FUNCTION long at(int i) const { return static_cast<long>(i) * stride; }

  KOKKOS_FUNCTION void load(const Member& team) const {
    team_for(team, stride, [&](int j) { weight[j] = j < m ? b[j] : 0.0; });
    if (rank > 0) load_factors(team);
  }

  /// |x − x'|² = <(|x|², 1, −2x), (1, |x'|², x')>.
  KOKKOS_FUNCTION void load_factors(const Member& team) const {
    const auto square = [this](const double* point) {
      double sum = 0;
      for (int c = 0; c < dimension; ++c) sum += point[c] * point[c];
      return sum;
    };
    team_for(team, n, [&](int i) {
      const double* const point = x + static_cast<long>(i) * coordinates;
      double *const left = x_left + static_cast<long>(i) * rank, *const right =
                                                                     x_right +
                                                                     static_cast<long>(i) * rank;
      left[0] = right[1] = square(point);
      left[1] = right[0] = 1;
      for (int c = 0; c < dimension; ++c) {
        left[c + 2] = -2 * point[c];
        right[c + 2] = point[c];
      }
    });
    team_for(team, stride, [&](int j) {
      for (int r = 0; r < rank; ++r) y_left[r * stride + j] = y_right[r * stride + j] = 0;
      if (j >= m) return;
      const double* const point = y + static_cast<long>(j) * coordinates;
      y_left[j] = y_right[stride + j] = square(point);
      y_left[stride + j] = y_right[j] = 1;
      for (int c = 0; c < dimension; ++c) {
        y_left[(c + 2) * stride + j] = -2 * point[c];
        y_right[(c + 2) * stride + j] = point[c];
      }
    });
  }

  /// to [rows, stride] = A [rows, terms] times from [terms, stride].
  KOKKOS_FUNCTION void multiply(const Member& team, const double* left, long left_row,
                                long left_term, int count, int terms, const double* from,
                                double* to) const {
    if constexpr (Backend<ExecutionSpace>::team_is_one_thread) {
      multiply_rows<L>(left, left_row, left_term, count, terms, packs, from, stride, to, stride);
    } else {
      each_row(team, count, [&](int i) {
        each_pack<L>(team, packs, [&](int j) {
          Pack sum(0.0);
          for (int s = 0; s < terms; ++s)
            sum = sum + Pack(left[i * left_row + s * left_term]) *
                            L::load(from + static_cast<long>(s) * stride + j);
          L::store(to + at(i) + j, sum);
        });
      });
    }
  }

  /// D P E, in the kernel's place or in the linear cost's, which is overwritten then.
  KOKKOS_FUNCTION void distort(const Member& team, double* to) const {
    if (rank > 0) {
      multiply(team, x_right, 1, rank, rank, n, plan, between);
      each_row(team, rank, [&](int r) {
        for (int c = 0; c < rank; ++c) {
          const double sum = row_sum<L>(team, packs, [&](int j) {
            return L::load(between + at(r) + j) * L::load(y_left + at(c) + j);
          });
          small[r * rank + c] = sum;
        }
      });
      multiply(team, small, rank, 1, rank, rank, y_right, mixed);
      multiply(team, x_left, rank, 1, n, rank, mixed, to);
      return;
    }
    distort_exactly(team, kernel, to);
  }
  /// The same without factors. `memory` [n, stride] gets D P and must not be `to`.
  KOKKOS_FUNCTION void distort_exactly(const Member& team, double* memory, double* to) const {
    multiply(team, d, source_stride, 1, n, n, plan, memory);
    multiply(team, memory, stride, 1, n, m, e, to);
  }

  /// |u_i − v_j|² of features.
  KOKKOS_FUNCTION double feature_cost(int i, int j) const {
    double sum = 0;
    for (int c = dimension; c < coordinates; ++c) {
      const double difference =
          x[static_cast<long>(i) * coordinates + c] - y[static_cast<long>(j) * coordinates + c];
      sum += difference * difference;
    }
    return sum;
  }
  KOKKOS_FUNCTION bool is_fused() const { return alpha < 1; }

  /// The linear cost that the plan leads to.
  KOKKOS_FUNCTION void update_cost(const Member& team) const {
    distort(team, cost);
    each_row(team, n, [&](int i) {
      double* const row = cost + at(i);
      const double first = d_squares[i];
      const auto finish = [&](int j) {
        row[j] = 2 * alpha * (first + e_squares[j] - 2 * row[j]) +
                 (is_fused() ? (1 - alpha) * feature_cost(i, j) : 0.0);
      };
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, m), finish);
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, stride - m),
                           [&](int j) { row[m + j] = 0; });
    });
  }

  // --- Sinkhorn's iteration with the linear cost ---

  /// Sums below this are taken for it: there is room for what they divide.
  static constexpr double least = 1e-250;

  /// f for this g, and the kernel exp((f + g − C)/epsilon): its rows add up to a.
  KOKKOS_FUNCTION void begin_rows(const Member& team) const {
    const Pack scale(1 / epsilon);
    each_row(team, n, [&](int i) {
      const double* const from = cost + at(i);
      double* const to = kernel + at(i);
      const auto exponent = [&](int j) { return (L::load(g + j) - L::load(from + j)) * scale; };
      const double most = row_max<L>(team, packs, exponent);
      const Pack shift(most);
      each_pack<L>(team, packs, [&](int j) { L::store(to + j, exp(exponent(j) - shift)); });
      const double sum = row_sum<L>(team, packs, [&](int j) { return L::load(to + j); });
      f[i] = epsilon * (::log(a[i] / sum) - most);
      const Pack factor(a[i] / sum);
      each_pack<L>(team, packs, [&](int j) { L::store(to + j, L::load(to + j) * factor); });
    });
  }

  /// g for this f, without the kernel.
  KOKKOS_FUNCTION void begin_columns(const Member& team) const {
    team_for(team, m, [&](int j) {
      constexpr double lowest = Kokkos::Experimental::finite_min<double>::value;
      double most = lowest, sum = 0;
      for (int i = 0; i < n; ++i) {
        const double exponent = (f[i] - cost[at(i) + j]) / epsilon;
        if (exponent > most) most = exponent;
      }
      for (int i = 0; i < n; ++i) sum += ::exp((f[i] - cost[at(i) + j]) / epsilon - most);
      g[j] = epsilon * (::log(b[j] / sum) - most);
    });
  }

  /// u so that rows add up to a, and the sums of columns. False: some are too small to go on with.
  KOKKOS_FUNCTION bool scale_rows(const Member& team) const {
    if constexpr (Backend<ExecutionSpace>::team_is_one_thread) {
      for (int j = 0; j < stride; ++j) column[j] = 0;
      int i = 0;
      for (; i + 4 <= n; i += 4) scale_block<4>(i);
      for (; i < n; ++i) scale_block<1>(i);
    } else {
      each_row(team, n, [&](int i) {
        const double sum = row_sum<L>(
            team, packs, [&](int j) { return L::load(kernel + at(i) + j) * L::load(v + j); });
        u[i] = a[i] / (sum > least ? sum : least);
      });
      each_column_pack<L>(team, packs, [&](int j) {
        Pack sum(0.0);
        for (int i = 0; i < n; ++i) sum = sum + Pack(u[i]) * L::load(kernel + at(i) + j);
        L::store(column + j, sum);
      });
    }
    constexpr double range = 1e100;
    const int outside =
        team_count(team, n, [&](int i) { return !(u[i] < range && u[i] > 1 / range); }) +
        team_count(team, m,
                   [&](int j) { return !(column[j] > least && v[j] < range && v[j] > 1 / range); });
    return outside == 0;
  }

  /// `count` rows of scale_rows() on one thread: v and the sums are read once for all.
  template <int count>
  KOKKOS_FUNCTION void scale_block(int i) const {
    const double* const from = kernel + at(i);
    Pack sums[count], factors[count];
    for (auto& sum : sums) sum = Pack(0.0);
    for (int p = 0; p < packs; ++p) {
      const int j = p * L::pack_width;
      const Pack scaling = L::load(v + j);
#pragma unroll
      for (int r = 0; r < count; ++r) sums[r] = sums[r] + L::load(from + r * stride + j) * scaling;
    }
    for (int r = 0; r < count; ++r) {
      double lanes[L::pack_width], sum = 0;
      L::store(lanes, sums[r]);
      for (const double lane : lanes) sum += lane;
      u[i + r] = a[i + r] / (sum > least ? sum : least);
      factors[r] = Pack(u[i + r]);
    }
    for (int p = 0; p < packs; ++p) {
      const int j = p * L::pack_width;
      Pack sum = L::load(column + j);
#pragma unroll
      for (int r = 0; r < count; ++r) sum = sum + L::load(from + r * stride + j) * factors[r];
      L::store(column + j, sum);
    }
  }

  /// Puts the scalings into the potentials.
  KOKKOS_FUNCTION void absorb(const Member& team) const {
    team_for(team, n, [&](int i) { f[i] += epsilon * ::log(u[i]); });
    team_for(team, m, [&](int j) { g[j] += epsilon * ::log(v[j]); });
  }

  /// Another epsilon; potentials less the logarithms of their weights stay.
  KOKKOS_FUNCTION void change_epsilon(const Member& team, double value) {
    const double more = value - epsilon;
    team_for(team, n, [&](int i) { f[i] += more * ::log(a[i]); });
    team_for(team, m, [&](int j) { g[j] += more * ::log(b[j]); });
    epsilon = value;
  }
  /// Half of it, or `least`.
  KOKKOS_FUNCTION void lessen_epsilon(const Member& team, double least) {
    change_epsilon(team, epsilon / 2 > least ? epsilon / 2 : least);
  }

  /// Over all pairs of points.
  KOKKOS_FUNCTION double mean_cost(const Member& team) const {
    each_row(team, n, [&](int i) {
      const double sum = row_sum<L>(
          team, packs, [&](int j) { return L::load(weight + j) * L::load(cost + at(i) + j); });
      rows[i] = a[i] * sum;
    });
    return team_sum(team, n, [&](int i) { return rows[i]; });
  }

  /// Updates v so that columns add up to b, and beyond, by the momentum.
  KOKKOS_FUNCTION void scale_columns(const Member& team, Momentum<double>& momentum) const {
    const Pack none(0.0), one(1.0);
    each_column_pack<L>(team, packs, [&](int j) {
      const Pack b_here = L::load(weight + j);
      const Pack sum = max(L::load(column + j), Pack(least));
      const Pack update = b_here / if_greater(b_here, none, sum, one);
      L::store(step + j, log(if_greater(b_here, none, update / L::load(updated + j), one)));
      L::store(updated + j, if_greater(b_here, none, update, one));
    });
    const double slope =
        team_sum(team, m, [&](int j) { return (b[j] - v[j] * column[j]) * step[j]; });
    const double mean = team_sum(team, m, [&](int j) { return b[j] * step[j]; });
    momentum.update(slope, mean);
    const Pack factor(momentum.factor), center(momentum.center), limit(momentum_limit);
    each_column_pack<L>(team, packs, [&](int j) {
      const Pack exponent = factor * L::load(step + j) - center;
      const Pack scaling = L::load(updated + j) * exp(max(none - limit, min(limit, exponent)));
      L::store(v + j, if_greater(L::load(weight + j), none, scaling, none));
    });
  }

  /// Iterates until columns miss b by `tolerance` of the mass (L1); rows add up to a. Ends after
  /// `most` times unless columns miss more than a twentieth, and after fifty times as many in any
  /// case. Leaves the scalings beside the kernel. Returns the error.
  KOKKOS_FUNCTION double iterate(const Member& team, double tolerance, int most,
                                 int& iterations) const {
    Momentum<double> momentum;
    const auto restart = [&] {
      begin_rows(team);
      team_for(team, stride, [&](int j) {
        v[j] = j < m ? 1.0 : 0.0;
        updated[j] = 1;
      });
      momentum = {};
    };
    restart();
    double error = 0;
    for (int t = 1;; ++t) {
      ++iterations;
      if (!scale_rows(team)) {
        // An iteration with logarithms.
        team_for(team, n, [&](int i) { f[i] += epsilon * ::log(u[i]); });
        begin_columns(team);
        restart();
        scale_rows(team);
      }
      error = team_sum(team, m, [&](int j) { return ::fabs(v[j] * column[j] - b[j]); });
      const bool enough = t >= most && error <= 0.05;
      if (error <= tolerance || enough || t >= 50 * most || !(error >= 0)) break;
      scale_columns(team, momentum);
    }
    return error;
  }

  /// The plan of the kernel and its scalings; returns its L1 distance from the plan before.
  KOKKOS_FUNCTION double take_plan(const Member& team) const {
    each_row(team, n, [&](int i) {
      const Pack factor(u[i]);
      const double* const from = kernel + at(i);
      double* const to = plan + at(i);
      double change = row_sum<L>(team, packs, [&](int j) {
        const Pack value = factor * L::load(from + j) * L::load(v + j);
        return abs(value - L::load(to + j));
      });
      each_pack<L>(team, packs,
                   [&](int j) { L::store(to + j, factor * L::load(from + j) * L::load(v + j)); });
      rows[i] = change;
    });
    return team_sum(team, n, [&](int i) { return rows[i]; });
  }

  /// The plan of the potentials.
  KOKKOS_FUNCTION void form_plan(const Member& team) const {
    const Pack scale(1 / epsilon);
    each_row(team, n, [&](int i) {
      const Pack potential(f[i]);
      each_pack<L>(team, packs, [&](int j) {
        L::store(plan + at(i) + j,
                 exp((potential + L::load(g + j) - L::load(cost + at(i) + j)) * scale));
      });
    });
  }

  /// Makes the plan's marginals a and b (Altschuler, Weed & Rigollet 2017); returns the L1 error
  /// that both had.
  KOKKOS_FUNCTION double round_plan(const Member& team) const {
    const auto sum_columns = [&] {
      each_column_pack<L>(team, packs, [&](int j) {
        Pack sum(0.0);
        for (int i = 0; i < n; ++i) sum = sum + L::load(plan + at(i) + j);
        L::store(column + j, sum);
      });
    };
    const auto sum_row = [&](int i) {
      return row_sum<L>(team, packs, [&](int j) { return L::load(plan + at(i) + j); });
    };
    sum_columns();
    double error = team_sum(team, m, [&](int j) { return ::fabs(column[j] - b[j]); });
    each_row(team, n, [&](int i) {
      const double sum = sum_row(i);
      rows[i] = sum;
      const Pack factor(sum > a[i] ? a[i] / sum : 1.0);
      each_pack<L>(team, packs,
                   [&](int j) { L::store(plan + at(i) + j, factor * L::load(plan + at(i) + j)); });
    });
    error += team_sum(team, n, [&](int i) { return ::fabs(rows[i] - a[i]); });
    sum_columns();
    team_for(team, stride, [&](int j) {
      v[j] = j < m && column[j] > b[j] ? b[j] / column[j] : 1.0;
      const double gap = j < m ? b[j] - column[j] : 0.0;
      column[j] = gap > 0 ? gap : 0.0;
    });
    each_row(team, n, [&](int i) {
      each_pack<L>(team, packs, [&](int j) {
        L::store(plan + at(i) + j, L::load(v + j) * L::load(plan + at(i) + j));
      });
      const double gap = a[i] - sum_row(i);
      u[i] = gap > 0 ? gap : 0.0;
    });
    const double missing = team_sum(team, m, [&](int j) { return column[j]; });
    constexpr double none = 1e-280;  // less would not divide
    if (!(missing > none)) return error;
    each_row(team, n, [&](int i) {
      const Pack share(u[i] / missing);
      each_pack<L>(team, packs, [&](int j) {
        L::store(plan + at(i) + j, L::load(plan + at(i) + j) + share * L::load(column + j));
      });
    });
    return error;
  }

  // --- starts ---

  KOKKOS_FUNCTION double profile_cost(int i, int j) const {
    double sum = 0;
    for (int bin = 0; bin < profile_bins; ++bin) {
      const double difference = x_profiles[static_cast<long>(i) * profile_bins + bin] -
                                y_profiles[static_cast<long>(j) * profile_bins + bin];
      sum += difference * difference;
    }
    return sum / profile_bins;
  }

  /// Twice what any plan pays at least for pairs of points, as the linear cost.
  KOKKOS_FUNCTION void begin_with_profiles(const Member& team) const {
    each_row(team, n, [&](int i) {
      double* const row = cost + at(i);
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, stride), [&](int j) {
        row[j] = j < m ? 2 * (alpha * profile_cost(i, j) +
                              (is_fused() ? (1 - alpha) * feature_cost(i, j) : 0.0))
                       : 0.0;
      });
    });
    team_for(team, stride,
             [&](int j) { g[j] = j < m ? 0.0 : -Kokkos::Experimental::infinity<double>::value; });
  }

  /// What the optimum is at least: c-transforms of f/2 make potentials of half the linear cost,
  /// which is that of begin_with_profiles().
  KOKKOS_FUNCTION double lower_bound(const Member& team) const {
    team_for(team, m, [&](int j) {
      double least = Kokkos::Experimental::finite_max<double>::value;
      for (int i = 0; i < n; ++i) {
        const double value = cost[at(i) + j] / 2 - f[i] / 2;
        if (value < least) least = value;
      }
      column[j] = least;
    });
    each_row(team, n, [&](int i) {
      double least = Kokkos::Experimental::finite_max<double>::value;
      for (int j = 0; j < m; ++j) {
        const double value = cost[at(i) + j] / 2 - column[j];
        if (value < least) least = value;
      }
      rows[i] = least;
    });
    const double sum = team_sum(team, n, [&](int i) { return a[i] * rows[i]; }) +
                       team_sum(team, m, [&](int j) { return b[j] * column[j]; });
    const double size = team_sum(team, n, [&](int i) { return a[i] * ::fabs(rows[i]); }) +
                        team_sum(team, m, [&](int j) { return b[j] * ::fabs(column[j]); });
    return sum - 4 * sum_rounding(n + m + profile_bins + coordinates) * size;
  }
};

}  // namespace otfleet::kernels
