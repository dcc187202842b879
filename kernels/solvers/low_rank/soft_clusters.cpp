#include "kernels/solvers/low_rank/soft_clusters.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernels/backend.hpp"
#include "kernels/solvers/row_loops.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr int points_at_once = 4;  // whose sums share the loads of slopes and moments
constexpr double log2_of_e = 1.44269504088896340736, log_of_2 = 0.69314718055994530942;

/// A chunk of points a team: one thread with its vector lanes, which hold clusters.
template <class ExecutionSpace>
struct ClusterPass {
  using L = PointLanes<ExecutionSpace, double>;
  using Pack = typename L::Pack;

  Matrix<const double, ExecutionSpace> points;
  Vector<const double, ExecutionSpace> weights;
  Vector<const double, ExecutionSpace> parameters;
  Matrix<double, ExecutionSpace> shares;
  Matrix<double, ExecutionSpace> partial;
  int padded, chunk;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int row = team.league_rank(), d = static_cast<int>(points.extent(1)),
              packs = padded / L::pack_width;
    const auto count = static_cast<int>(points.extent(0));
    const int begin = row * chunk, end = begin + chunk < count ? begin + chunk : count;
    double* const sums = &partial(row, 0);
    const int numbers = (d + 1) * packs;
    each_pack<L>(team, numbers, [&](int at) { L::store(sums + at, Pack(0.0)); });
    double log_sum = 0;
    for (int first = begin; first < end; first += points_at_once)
      log_sum += add_points(team, first, end, d, packs, sums, &shares(row, 0));
    Kokkos::single(Kokkos::PerTeam(team), [&]() { sums[(d + 1) * padded] = log_sum; });
  }

  /// Adds points first, … to `sums`; returns their part of log_sum.
  template <class TeamMember>
  KOKKOS_INLINE_FUNCTION double add_points(const TeamMember& team, int first, int end, int d,
                                           int packs, double* sums, double* share_of) const {
    const double* x[points_at_once];
    double a[points_at_once];
    for (int b = 0; b < points_at_once; ++b) {
      const int i = first + b < end ? first + b : end - 1;
      x[b] = &points(i, 0);
      a[b] = first + b < end ? weights(i) : 0.0;
    }
    const double* const slopes = parameters.data();
    const double* const offsets = slopes + d * padded;
    const int stride = padded;
    each_pack<L>(team, packs, [&](int at) {
      const Pack offset = L::load(offsets + at);
      Pack exponents[points_at_once] = {offset, offset, offset, offset};
      for (int c = 0; c < d; ++c) {
        const Pack slope = L::load(slopes + c * stride + at);
        for (int b = 0; b < points_at_once; ++b)
          exponents[b] = exponents[b] + slope * Pack(x[b][c]);
      }
      for (int b = 0; b < points_at_once; ++b) L::store(share_of + b * stride + at, exponents[b]);
    });
    double log_sum = 0;
    for (int b = 0; b < points_at_once; ++b) {
      double* const mine = share_of + b * stride;
      const double most = row_max<L>(team, packs, [&](int at) { return L::load(mine + at); });
      each_pack<L>(team, packs, [&](int at) {
        L::store(mine + at, exp2_bounded(L::load(mine + at) - Pack(most)));
      });
      const double sum = row_sum<L>(team, packs, [&](int at) { return L::load(mine + at); });
      log_sum += a[b] * (most + ::log2(sum));
      a[b] /= sum;
    }
    each_pack<L>(team, packs, [&](int at) {
      Pack share[points_at_once];
      Pack mass = L::load(sums + d * stride + at);
      for (int b = 0; b < points_at_once; ++b) {
        share[b] = L::load(share_of + b * stride + at) * Pack(a[b]);
        mass = mass + share[b];
      }
      L::store(sums + d * stride + at, mass);
      for (int c = 0; c < d; ++c) {
        Pack moment = L::load(sums + c * stride + at);
        for (int b = 0; b < points_at_once; ++b) moment = moment + share[b] * Pack(x[b][c]);
        L::store(sums + c * stride + at, moment);
      }
    });
    return log_sum;
  }
};

}  // namespace

std::vector<double> centers_of(const ClusterSums& sums) {
  const std::size_t r = sums.masses.size(), d = sums.moments.size() / r;
  std::vector<double> centers = sums.moments;
  for (std::size_t k = 0; k < r; ++k)
    for (std::size_t c = 0; c < d; ++c)
      centers[k * d + c] = sums.masses[k] > 0 ? centers[k * d + c] / sums.masses[k] : 0.0;
  return centers;
}

template <class ExecutionSpace>
SoftClusters<ExecutionSpace>::SoftClusters(const ExecutionSpace& space,
                                           const Matrix<const double, ExecutionSpace>& points,
                                           const Vector<const double, ExecutionSpace>& weights,
                                           int clusters)
    : space_(space), points_(points), weights_(weights), clusters_(clusters) {
  using L = PointLanes<ExecutionSpace, double>;
  const auto count = static_cast<int>(points.extent(0)), d = static_cast<int>(points.extent(1));
  if (count < 1 || d < 1 || clusters < 1 || weights.extent(0) != points.extent(0))
    throw std::invalid_argument("soft clusters are of points [n, d] with weights [n]");
  padded_ = (clusters + L::pack_width - 1) / L::pack_width * L::pack_width;
  // The same for every number of threads, so that sums are, too.
  constexpr int most_chunks = 1024, least_points = 512;
  constexpr double most_numbers = 8e6;
  const int numbers = (d + 1) * padded_ + 1;
  const int chunks = std::clamp(static_cast<int>(most_numbers / numbers), 1,
                                std::clamp(count / least_points, 1, most_chunks));
  chunk_ = (count + chunks - 1) / chunks;
  chunk_ = (chunk_ + points_at_once - 1) / points_at_once * points_at_once;
  chunks_ = (count + chunk_ - 1) / chunk_;
  parameters_ = Vector<double, ExecutionSpace>("otfleet::low_rank::parameters",
                                               static_cast<std::size_t>((d + 1) * padded_));
  shares_ =
      Matrix<double, ExecutionSpace>("otfleet::low_rank::shares", static_cast<std::size_t>(chunks_),
                                     static_cast<std::size_t>(points_at_once * padded_));
  partial_ = Matrix<double, ExecutionSpace>("otfleet::low_rank::partial",
                                            static_cast<std::size_t>(chunks_),
                                            static_cast<std::size_t>(numbers));
}

template <class ExecutionSpace>
ClusterSums SoftClusters<ExecutionSpace>::sums(const std::vector<double>& slopes,
                                               const std::vector<double>& offsets) const {
  const auto d = static_cast<std::size_t>(points_.extent(1)),
             r = static_cast<std::size_t>(clusters_), stride = static_cast<std::size_t>(padded_);
  if (slopes.size() != r * d || offsets.size() != r)
    throw std::invalid_argument("soft clusters have slopes [r, d] and offsets [r]");
  const auto host = Kokkos::create_mirror_view(parameters_);
  for (std::size_t k = 0; k < stride; ++k)
    for (std::size_t c = 0; c <= d; ++c) {
      constexpr double nothing = -1e30;  // of lanes without a cluster
      const double given = k >= r ? (c < d ? 0 : nothing) : c < d ? slopes[k * d + c] : offsets[k];
      host(c * stride + k) = log2_of_e * given;
    }
  Kokkos::deep_copy(space_, parameters_, host);
  const ClusterPass<ExecutionSpace> pass{points_,  weights_, parameters_, shares_,
                                         partial_, padded_,  chunk_};
  Kokkos::parallel_for(
      "otfleet::low_rank::sums",
      Policy<ExecutionSpace>(space_, chunks_, 1, Backend<ExecutionSpace>::vector_length), pass);
  const auto partial = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), partial_);
  ClusterSums result;
  result.masses.assign(r, 0.0);
  result.moments.assign(r * d, 0.0);
  for (std::size_t row = 0; row < partial.extent(0); ++row) {
    for (std::size_t k = 0; k < r; ++k) {
      result.masses[k] += partial(row, d * stride + k);
      for (std::size_t c = 0; c < d; ++c) result.moments[k * d + c] += partial(row, c * stride + k);
    }
    result.log_sum += log_of_2 * partial(row, (d + 1) * stride);
  }
  return result;
}

#define OTFLEET_INSTANTIATE(Space) template class SoftClusters<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
