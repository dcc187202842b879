#include "src/families/neural_dual/samplers/plane_pairs.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "distributed/error.hpp"
#include "src/config/nearest_name.hpp"
#include "src/families/neural_dual/samplers/sample_numbers.hpp"

namespace otfleet {
namespace {

using std::numbers::pi;

/// Two coordinates, a component and what noise they have take no more numbers than this.
constexpr std::int64_t most_numbers = 8;

struct Point {
  double x, y;
};

Point with_noise(SampleNumbers& numbers, Point point, double deviation) {
  point.x += deviation * numbers.normal();
  point.y += deviation * numbers.normal();
  return point;
}

/// Gaussians of equal weight around 5 c, of standard deviation 0.25: the code squares a "variance"
/// of 0.5 and takes that for the deviation. Mean 0 as the centers' is; covariance that of the
/// centers plus I/16.
template <std::size_t count>
Point gaussians(SampleNumbers& numbers, const std::array<Point, count>& centers) {
  const Point center = centers[numbers.below(count)];
  return with_noise(numbers, {5 * center.x, 5 * center.y}, 0.25);
}

/// Covariance I/16.
Point narrow_gaussian(SampleNumbers& numbers) {
  return gaussians<1>(numbers, {{{0, 0}}});
}

/// Covariance (25/2 + 1/16) I.
Point eight_gaussians(SampleNumbers& numbers) {
  constexpr double h = 1 / std::numbers::sqrt2;
  return gaussians<8>(numbers,
                      {{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {h, h}, {h, -h}, {-h, h}, {-h, -h}}});
}

/// Covariance (20 + 1/16) I.
Point five_gaussians(SampleNumbers& numbers) {
  return gaussians<5>(numbers, {{{0, 0}, {1, 1}, {-1, 1}, {-1, -1}, {1, -1}}});
}

/// Covariance (25/2 + 1/16) I.
Point four_gaussians(SampleNumbers& numbers) {
  return gaussians<4>(numbers, {{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}});
}

/// N(0, I).
Point standard_normal(SampleNumbers& numbers) {
  return with_noise(numbers, {0, 0}, 1);
}

/// Uniform on a circle around 0, plus noise of deviation s. Mean 0, covariance (r²/2 + s²) I.
Point circle(SampleNumbers& numbers, double radius, double deviation) {
  const double angle = 2 * pi * numbers.uniform();
  return with_noise(numbers, {radius * std::cos(angle), radius * std::sin(angle)}, deviation);
}

/// make_circles' outer circle with noise 0.01.
Point large_circle(SampleNumbers& numbers) {
  return circle(numbers, 1, 0.01);
}

/// Its inner one, factor 0.5.
Point small_circle(SampleNumbers& numbers) {
  return circle(numbers, 0.5, 0.01);
}

/// make_moons' outer moon without noise: (cos t, sin t), t uniform in [0, π]. Mean (0, 2/π),
/// covariance diag(1/2, 1/2 − 4/π²).
Point upper_moon(SampleNumbers& numbers) {
  const double t = pi * numbers.uniform();
  return {std::cos(t), std::sin(t)};
}

/// Its inner moon: (1 − cos t, 1/2 − sin t). Mean (1, 1/2 − 2/π), covariance that of the upper one,
/// of which it is a rotation by 180 degrees, so that the best map is no rotation.
Point lower_moon(SampleNumbers& numbers) {
  const double t = pi * numbers.uniform();
  return {1 - std::cos(t), 0.5 - std::sin(t)};
}

/// make_s_curve with noise 0.01, its axes (2, 0), times 5: 5 (sign(t) (cos t − 1), sin t), t
/// uniform in [−3π/2, 3π/2]. Mean 0; covariance 25 [3/2 + 4/(3π), −1/(3π); −1/(3π), 1/2] + 25e-4 I.
Point s_curve(SampleNumbers& numbers) {
  const double t = 3 * pi * (numbers.uniform() - 0.5);
  const Point noisy =
      with_noise(numbers, {std::copysign(1.0, t) * (std::cos(t) - 1), std::sin(t)}, 0.01);
  return {5 * noisy.x, 5 * noisy.y};
}

/// make_swiss_roll with noise 0.01, its axes (2, 0), times 1/2: t/2 (sin t, cos t), t uniform in
/// [3π/2, 9π/2]. Mean (1/(3π), 1); second moments (4.875π² ± 1/4)/4 + 25e-6 (+ for x) and 3π/8.
Point swiss_roll(SampleNumbers& numbers) {
  const double t = 1.5 * pi * (1 + 2 * numbers.uniform());
  const Point noisy = with_noise(numbers, {t * std::sin(t), t * std::cos(t)}, 0.01);
  return {0.5 * noisy.x, 0.5 * noisy.y};
}

/// Circles of radius 0.75, 1.5, 2.25 and 3, equally likely, with noise 0.08. The code spaces angles
/// evenly in a batch; here they are independent. Mean 0, covariance (4.21875/2 + 0.0064) I.
Point rings(SampleNumbers& numbers) {
  const auto number = static_cast<double>(1 + numbers.below(4));
  return circle(numbers, 0.75 * number, 0.08);
}

/// ((z₁ + z₂²)/2 − 2, z₂), z normal. Mean (−3/2, 0), covariance diag(3/4, 1).
Point maf_moon(SampleNumbers& numbers) {
  const Point z = standard_normal(numbers);
  return {(z.x + z.y * z.y) / 2 - 2, z.y};
}

using Draw = Point (*)(SampleNumbers&);

class PlaneSampler final : public Sampler {
 public:
  PlaneSampler(Draw draw, std::uint64_t seed, std::uint64_t stream, SampleSequence sequence)
      : draw_(draw), numbers_(sequence, seed, stream, most_numbers) {}

  std::int64_t dimension() const override { return 2; }

  void fill(std::int64_t first, std::int64_t count, double* points) const override {
    for (std::int64_t k = 0; k < count; ++k) {
      SampleNumbers numbers(numbers_, first + k);
      const Point point = draw_(numbers);
      points[2 * k] = point.x;
      points[2 * k + 1] = point.y;
    }
  }

 private:
  Draw draw_;
  NumberSource numbers_;
};

struct NamedPair {
  const char* name;
  Draw source, target;
};

constexpr NamedPair pairs[] = {{"eight_gaussians", narrow_gaussian, eight_gaussians},
                               {"square_gaussians", five_gaussians, four_gaussians},
                               {"circles", large_circle, small_circle},
                               {"moons", lower_moon, upper_moon},
                               {"s_curve", s_curve, standard_normal},
                               {"swiss_roll", swiss_roll, standard_normal},
                               {"rings", rings, standard_normal},
                               {"maf_moon", maf_moon, standard_normal},
                               {"moon_to_rings", maf_moon, rings}};

}  // namespace

std::vector<std::string> pair_names() {
  std::vector<std::string> names;
  for (const NamedPair& pair : pairs) names.emplace_back(pair.name);
  return names;
}

SamplerPair plane_pair(const std::string& name, std::uint64_t seed, std::uint64_t pair_stream,
                       SampleSequence sequence) {
  const auto* found = std::find_if(std::begin(pairs), std::end(pairs),
                                   [&](const NamedPair& pair) { return name == pair.name; });
  if (found == std::end(pairs)) {
    const auto near = nearest_name(name, pair_names());
    throw UserError(fmt::format("no pair of distributions is called '{}'{}; there are {}", name,
                                near.empty() ? "" : " (did you mean '" + near + "'?)",
                                fmt::join(pair_names(), ", ")));
  }
  return {std::make_unique<PlaneSampler>(found->source, seed, source_stream(pair_stream), sequence),
          std::make_unique<PlaneSampler>(found->target, seed, target_stream(pair_stream), sequence),
          name};
}

}  // namespace otfleet
