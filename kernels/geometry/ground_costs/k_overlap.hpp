#pragma once
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// ½ |z|² + ½ strength · N(z)², with z = x − y and N the k-support norm, whose unit ball is spanned
/// by the unit vectors that have k coordinates alone (Argyriou, Foygel & Srebro 2012); Cuturi,
/// Klein & Ablin 2023, section 4.1. Maps of this cost move few coordinates of a point, and shrink
/// displacements less than an elastic cost does.
struct KOverlapCost : GroundCostType {
  static constexpr const char* name = "k_overlap";
  static constexpr int most = 8;  ///< coordinates

  double count, strength;

  explicit KOverlapCost(double coordinates = 2, double gamma = 1)
      : count(coordinates), strength(gamma) {}
  static constexpr std::array<CostParameter<KOverlapCost>, 2> parameters = {
      {{&KOverlapCost::count,
        {"overlap_count", "number of coordinates", "the number of coordinates of a k-overlap cost",
         "a whole number from 1 to 8",
         [](double k) { return k >= 1 && k <= most && k == std::floor(k); }, false,
         "k of the k-support norm, for problem.cost = \"k_overlap\", |x - y|^2 / 2 plus its square "
         "times half of the next: maps move few coordinates"}},
       {&KOverlapCost::strength,
        {"overlap_strength", "strength", "the strength of a k-overlap cost", ">= 0",
         [](double strength) { return strength >= 0; }, false,
         "of the norm's part, for problem.cost = \"k_overlap\""}}}};

  /// The largest |z_k| in falling order, and the sums over all.
  template <class Pack>
  struct Sum {
    Pack squares, lengths, largest[most];

    Sum() = default;
    OTFLEET_FORCEINLINE_FUNCTION explicit Sum(const Pack& start) : squares(start), lengths(start) {
      for (Pack& one : largest) one = start;
    }
  };
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Sum<Pack> add(Sum<Pack> sum, const Pack& x, const Pack& y) {
    const Pack difference = x - y;
    Pack length = abs(difference);
    sum.squares = sum.squares + difference * difference;
    sum.lengths = sum.lengths + length;
    for (Pack& one : sum.largest) {
      const Pack smaller = if_greater(one, length, length, one);
      one = max(one, length);
      length = smaller;
    }
    return sum;
  }

  /// The norm's square, and the length that coordinates count with that are shorter: the r of
  /// Argyriou et al., proposition 2.1, is the first for which those before the last r + 1 of the k
  /// largest are longer than the mean over r + 1 of all others' sum.
  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION void norm_parts(const Sum<Pack>& sum, Pack& square,
                                               Pack& least) const {
    const Pack none(Scalar(0)), one(Scalar(1));
    const int k = static_cast<int>(count);
    Pack head(none), head_square(none);  // of the k − 1 largest, then of fewer
    for (int i = 0; i + 1 < k; ++i) {
      head = head + sum.largest[i];
      head_square = head_square + sum.largest[i] * sum.largest[i];
    }
    Pack open = one;  // 1 where no r was found yet
    square = least = none;
    for (int r = 0; r < k; ++r) {
      const Pack rest = max(sum.lengths - head, none);
      const Pack mean = rest * Pack(Scalar(1) / static_cast<Scalar>(r + 1));
      const int last = k - r - 2;  // of the head; −1: the head is empty, and r fits
      const Pack fits = last < 0 ? one : if_greater(sum.largest[last], mean, one, none);
      const Pack take = open * fits;
      square = square + take * (head_square + rest * mean);
      least = least + take * mean;
      open = open - take;
      if (last < 0) break;
      head = head - sum.largest[last];
      head_square = max(head_square - sum.largest[last] * sum.largest[last], none);
    }
  }
  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack from_sum(const Sum<Pack>& sum) const {
    Pack square, least;
    norm_parts<Scalar>(sum, square, least);
    return Pack(Scalar(0.5)) * (sum.squares + Pack(static_cast<Scalar>(strength)) * square);
  }
  /// Where z_k is 0: 0.
  OTFLEET_FUNCTION void add_slope(double share, const Sum<double>& sum, const double* x,
                                  const double* y, int dimension, double* slope) const {
    double square = 0, least = 0;
    norm_parts<double>(sum, square, least);
    for (int k = 0; k < dimension; ++k) {
      const double z = x[k] - y[k], length = z > 0 ? z : -z;
      const double counted = length > least ? length : least;
      slope[k] += share * (z + strength * (z > 0 ? counted : z < 0 ? -counted : 0.0));
    }
  }
  static constexpr bool has_maps() { return true; }
  /// The proximal map of ½ strength N² (Argyriou et al. 2012, algorithm 1).
  void conjugate_slope(double* slope, int dimension) const {
    if (!(strength > 0)) return;
    const int k = std::min(static_cast<int>(count), dimension);
    std::vector<int> order(static_cast<std::size_t>(dimension));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](int a, int b) { return std::abs(slope[a]) > std::abs(slope[b]); });
    const auto length = [&](int place) {  // from 1; of places before and behind all, ∞ and 0
      if (place < 1) return std::numeric_limits<double>::infinity();
      return place > dimension ? 0.0 : std::abs(slope[order[static_cast<std::size_t>(place - 1)]]);
    };
    // Equal numbers that were rounded differently are equal: what fits both ways is the same map.
    const auto not_below = [](double x, double y) { return x >= y * (1 - 1e-12); };
    const double weight = 1 / strength;
    // The head, of places up to k − r − 1, shrinks by a factor; places k − r to l by one length.
    for (int r = 0; r < k; ++r) {
      double sum = 0;
      for (int place = k - r; place <= k; ++place) sum += length(place);
      for (int l = k; l <= dimension; ++l) {
        if (l > k) sum += length(l);
        const double cut = sum / (l - k + (weight + 1) * (r + 1));
        const bool head_fits = not_below(length(k - r - 1), (weight + 1) * cut) &&
                               not_below((weight + 1) * cut, length(k - r));
        const bool tail_fits = not_below(length(l), cut) && not_below(cut, length(l + 1));
        const bool is_last = r + 1 == k && l == dimension;
        if (!(head_fits && tail_fits) && !is_last) continue;
        for (int place = 1; place <= dimension; ++place) {
          double& value = slope[order[static_cast<std::size_t>(place - 1)]];
          const double left = place < k - r ? weight / (weight + 1) * std::abs(value)
                                            : std::max(std::abs(value) - cut, 0.0);
          value = place <= l ? std::copysign(left, value) : 0.0;
        }
        return;
      }
    }
  }

  double bound(double reach, int dimension) const {
    // N² is at most the squared length times d/k, or times 1 where k is larger.
    const double share = std::max(1.0, dimension / count);
    return 0.5 * reach * reach * (1 + strength * share) * (1 + 1e-6);
  }
  double rounding(int dimension, double /*reach*/, double bound) const {
    return 8 * (dimension + 24) * one_rounding * bound;
  }

  /// Not known to be for any.
  static bool is_positive_definite(int /*dimension*/) { return false; }

  bool operator==(const KOverlapCost&) const = default;
};

}  // namespace otfleet::kernels
