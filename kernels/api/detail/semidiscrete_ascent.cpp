#include "kernels/api/detail/semidiscrete_ascent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/counter_random.hpp"
#include "kernels/host_values.hpp"
#include "kernels/solvers/semidiscrete/noise_samples.hpp"

namespace otfleet::kernels::detail {
namespace {
using Keys = Winners<DeviceSpace>::Keys;

std::vector<std::uint64_t> keys_on_host(const Keys& keys) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), keys);
  return {host.data(), host.data() + host.extent(0)};
}

}  // namespace

NoiseWinners::NoiseWinners(NoiseKind noise, const std::vector<float>& points, std::size_t d,
                           double temperature, int rotations)
    : noise_{noise, 1.0},
      temperature_(static_cast<float>(temperature)),
      count_(points.size() / d),
      ranking_(DeviceSpace(), copy_to_device<DeviceSpace>("otfleet::semidiscrete::given", points),
               static_cast<int>(count_), static_cast<int>(d)),
      samples_("otfleet::semidiscrete::samples", batch, d),
      rotations_(rotations) {}

void NoiseWinners::set_heights(const PotentialValues& heights) {
  std::vector<float> padded(static_cast<std::size_t>(ranking_.padded()),
                            -std::numeric_limits<float>::max());
  for (std::size_t j = 0; j < count_; ++j) padded[j] = static_cast<float>(heights[j]);
  heights_ = copy_to_device<DeviceSpace>("otfleet::semidiscrete::heights", padded);
}

std::vector<std::uint64_t> NoiseWinners::winners(std::uint64_t stream, std::int64_t number,
                                                 bool rotates, bool soft) {
  fill_noise(DeviceSpace(), noise_, stream, number * batch, samples_);
  const auto turns = static_cast<std::size_t>(rotates ? rotations_ - 1 : 0);
  std::vector<float> signs(turns * batch);
  const auto at_number = static_cast<std::uint64_t>(number);
  const CounterRandom random(stream, ~at_number);
  static_assert(batch == 16 * 16);
  for (std::size_t at = 0; at < signs.size(); ++at)
    signs[at] = (random.bits(at / 64) >> (at % 64) & 1) != 0 ? 1.0f / 16 : -1.0f / 16;
  const auto device_signs = copy_to_device<DeviceSpace>("otfleet::semidiscrete::signs", signs);
  const Keys keys(Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::semidiscrete::keys"),
                  (turns + 1) * batch);
  ranking_.find(samples_, Matrix<const float, DeviceSpace>(device_signs.data(), turns, batch),
                heights_, soft ? temperature_ : 0,
                CounterRandom(stream, 0x6a09e667f3bcc908ull).bits(at_number), keys);
  return keys_on_host(keys);
}

Matrix<const float, Kokkos::HostSpace> NoiseWinners::samples() const {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), samples_);
}

std::vector<std::uint64_t> NoiseWinners::winners_of(const std::vector<float>& rows) {
  const auto from = copy_to_device<DeviceSpace>("otfleet::semidiscrete::rows", rows);
  Kokkos::deep_copy(Vector<float, DeviceSpace>(samples_.data(), rows.size()), from);
  const Keys keys("otfleet::semidiscrete::keys", batch);
  ranking_.find(samples_, Matrix<const float, DeviceSpace>(nullptr, 0, batch), heights_, 0, 0,
                keys);
  return keys_on_host(keys);
}

double NoiseWinners::mean_gap(std::uint64_t stream, std::int64_t number) {
  fill_noise(DeviceSpace(), noise_, stream, number * batch, samples_);
  return ranking_.mean_gap(samples_, heights_);
}

std::int64_t samples_of_step(std::size_t points, std::int64_t samples_of_batch) {
  // A sample for every fourth point; of few points steps are cheap.
  const auto wanted = std::max<std::int64_t>(static_cast<std::int64_t>(points) / 4, 1024);
  return std::max<std::int64_t>(1, (wanted + samples_of_batch / 2) / samples_of_batch) *
         samples_of_batch;
}

PotentialValues NoiseWinners::log_shares(NoiseWinners& few, std::uint64_t stream, int batches,
                                         double temperature) {
  const Vector<float, DeviceSpace> sums("otfleet::semidiscrete::sums",
                                        static_cast<std::size_t>(ranking_.padded()));
  const Keys keys("otfleet::semidiscrete::keys", batch);
  for (int k = 0; k < batches; ++k) {
    fill_noise(DeviceSpace(), noise_, stream, static_cast<std::int64_t>(k) * batch, samples_);
    few.ranking_.find(samples_, Matrix<const float, DeviceSpace>(nullptr, 0, batch), few.heights_,
                      0, 0, keys);
    ranking_.add_shares(samples_, heights_, static_cast<float>(temperature), keys, sums);
  }
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), sums);
  PotentialValues logs(count_);
  for (std::size_t j = 0; j < count_; ++j)
    logs[j] = std::log(std::max(static_cast<double>(host(j)) / (batches * batch), 1e-30));
  return logs;
}

void climb(NoiseWinners& winners, const PotentialValues& weights,
           const std::vector<PointClusters>& levels, std::uint64_t stream, Ascent& ascent) {
  const std::size_t points = weights.size();
  const std::int64_t samples = samples_of_step(points, winners.samples_of_batch()),
                     batches = samples / winners.samples_of_batch(),
                     first = static_cast<std::int64_t>(ascent.steps) * (batches + 1);
  winners.set_heights(ascent.heights);
  if ((ascent.steps & (ascent.steps - 1)) == 0)  // 0, 1, 2, 4, …
    ascent.pace = winners.mean_gap(stream, first + batches);
  std::vector<std::int64_t> counts(points, 0);
  for (std::int64_t k = 0; k < batches; ++k)
    count_winners(winners.winners(stream, first + k, true, true), counts);
  ++ascent.steps;
  // How far each moves: by the relative error of its count, and by that of its clusters.
  // How far each moves: by the relative error of its count, and by that of its clusters. Steps
  // become shorter, as points that are close to each other need.
  const double length = 1 / std::sqrt(1 + ascent.steps / 32.0);
  const auto correction = [samples, length](double count, double weight) {
    const double expected = static_cast<double>(samples) * weight, firm = std::min(expected, 1.0);
    return length * firm * std::max(1 - count / expected, -3 / firm);
  };
  PotentialValues moves(points);
  for (std::size_t j = 0; j < points; ++j)
    moves[j] = ascent.pace / 2 * correction(static_cast<double>(counts[j]), weights[j]);
  for (const PointClusters& level : levels) {
    PotentialValues sums(level.weights.size(), 0.0);
    for (std::size_t j = 0; j < points; ++j)
      sums[static_cast<std::size_t>(level.member[j])] += static_cast<double>(counts[j]);
    for (std::size_t k = 0; k < sums.size(); ++k)
      sums[k] = level.pace / 4 * correction(sums[k], level.weights[k]);
    for (std::size_t j = 0; j < points; ++j)
      moves[j] += sums[static_cast<std::size_t>(level.member[j])];
  }
  // Averages in which a step counts as the square of its number.
  const double share = 3.0 / (ascent.steps + 2.0);
  for (std::size_t j = 0; j < points; ++j) {
    ascent.heights[j] += moves[j];
    ascent.averages[j] += share * (ascent.heights[j] - ascent.averages[j]);
  }
}

ChiSquare chi_square(const PotentialValues& weights, const std::vector<std::int64_t>& hits,
                     std::int64_t samples) {
  double pairs = 0, squares = 0, triples = 0;
  for (std::size_t j = 0; j < weights.size(); ++j) {
    const auto count = static_cast<double>(hits[j]);
    const double both = count * (count - 1) / weights[j];
    pairs += both;
    squares += both / weights[j];
    triples += both * (count - 2) / weights[j];
  }
  const auto all = static_cast<double>(samples), of_pairs = all * (all - 1);
  const double value = pairs / of_pairs - 1;
  // The variance of a mean over pairs (Hoeffding 1948): that of pairs, and of what one sample says.
  const double of_pair = std::max(squares / of_pairs, static_cast<double>(weights.size())),
               of_one = std::max(
                   {triples / (of_pairs * (all - 2)) - (1 + value) * (1 + value), value, 0.0});
  return {value, std::sqrt(2 * of_pair / of_pairs + 4 * of_one / all)};
}

ChiSquare chi_square_of_groups(const PotentialValues& weights,
                               const std::vector<std::vector<std::int64_t>>& hits,
                               std::int64_t samples_of_group) {
  const std::size_t groups = hits.size();
  const auto count = static_cast<double>(groups);
  // Pairs of groups: the mean over them, and what each group has with all others.
  PotentialValues with_others(groups, 0.0);
  double pairs = 0, spread = 0;
  for (std::size_t j = 0; j < weights.size(); ++j) {
    double sum = 0, squares = 0;
    for (const auto& one : hits) {
      const double error =
          static_cast<double>(one[j]) / static_cast<double>(samples_of_group) - weights[j];
      sum += error;
      squares += error * error;
    }
    for (std::size_t a = 0; a < groups; ++a) {
      const double error =
          static_cast<double>(hits[a][j]) / static_cast<double>(samples_of_group) - weights[j];
      with_others[a] += error * (sum - error) / weights[j] / (count - 1);
    }
    pairs += (sum * sum - squares) / weights[j];
    spread += std::pow(squares / count / weights[j], 2);
  }
  const double value = pairs / (count * (count - 1));
  double variance = 0;
  for (const double one : with_others) variance += (one - value) * (one - value) / (count - 1);
  return {value,
          std::max(std::sqrt(2 * spread / (count * (count - 1))), 2 * std::sqrt(variance / count))};
}

void count_winners(const std::vector<std::uint64_t>& keys, std::vector<std::int64_t>& counts) {
  for (const auto key : keys) ++counts[static_cast<std::size_t>(point_of(key))];
}

}  // namespace otfleet::kernels::detail
