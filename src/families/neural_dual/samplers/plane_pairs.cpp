#include "src/families/neural_dual/samplers/plane_pairs.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

/// The strips have no noise; distances to them are in units of this.
constexpr double strip_deviation = 0.05;

Point with_noise(SampleNumbers& numbers, Point point, double deviation) {
  point.x += deviation * numbers.normal();
  point.y += deviation * numbers.normal();
  return point;
}

/// A distribution, and how many standard deviations of its noise a point is from where it would put
/// samples without noise, see Sampler::deviations().
struct Distribution {
  Point (*draw)(SampleNumbers&);
  double (*deviations)(Point);
};

template <std::size_t count>
double nearest_distance(Point point, const std::array<Point, count>& centers) {
  double nearest = std::numeric_limits<double>::infinity();
  for (const Point& center : centers)
    nearest = std::min(nearest, std::hypot(point.x - center.x, point.y - center.y));
  return nearest;
}

/// To a curve at `low <= t <= high`, as a line through this many points of it.
template <class Curve>
double distance_to_curve(Point point, double low, double high, const Curve& curve) {
  constexpr int pieces = 1000;
  double nearest = std::numeric_limits<double>::infinity();
  Point before = curve(low);
  for (int k = 1; k <= pieces; ++k) {
    const Point after = curve(low + (high - low) * k / pieces);
    const double dx = after.x - before.x, dy = after.y - before.y;
    const double along = std::clamp(
        ((point.x - before.x) * dx + (point.y - before.y) * dy) / (dx * dx + dy * dy), 0.0, 1.0);
    nearest = std::min(
        nearest, std::hypot(point.x - before.x - along * dx, point.y - before.y - along * dy));
    before = after;
  }
  return nearest;
}

/// Gaussians of equal weight around these points, of standard deviation 0.25: the code squares a
/// "variance" of 0.5 and takes that for the deviation. Mean 0 as the centers' is; covariance that
/// of the centers plus I/16.
template <const auto& centers>
constexpr Distribution gaussians = {
    [](SampleNumbers& numbers) {
      return with_noise(numbers, centers[numbers.below(centers.size())], 0.25);
    },
    [](Point point) { return nearest_distance(point, centers) / 0.25; }};

constexpr double h = 5 / std::numbers::sqrt2;
constexpr std::array<Point, 1> center = {{{0, 0}}};
constexpr std::array<Point, 8> around = {
    {{5, 0}, {-5, 0}, {0, 5}, {0, -5}, {h, h}, {h, -h}, {-h, h}, {-h, -h}}};
constexpr std::array<Point, 5> corners = {{{0, 0}, {5, 5}, {-5, 5}, {-5, -5}, {5, -5}}};
constexpr std::array<Point, 4> on_axes = {{{5, 0}, {0, 5}, {-5, 0}, {0, -5}}};

/// Covariances I/16, (25/2 + 1/16) I, (20 + 1/16) I and (25/2 + 1/16) I.
constexpr Distribution narrow_gaussian = gaussians<center>, eight_gaussians = gaussians<around>,
                       five_gaussians = gaussians<corners>, four_gaussians = gaussians<on_axes>;

/// N(0, I).
constexpr Distribution standard_normal = {[](SampleNumbers& numbers) {
                                            return with_noise(numbers, {0, 0}, 1);
                                          },
                                          [](Point point) { return std::hypot(point.x, point.y); }};

/// Uniform on a circle around 0, plus noise of deviation s. Mean 0, covariance (r²/2 + s²) I.
Point circle(SampleNumbers& numbers, double radius, double deviation) {
  const double angle = 2 * pi * numbers.uniform();
  return with_noise(numbers, {radius * std::cos(angle), radius * std::sin(angle)}, deviation);
}
double from_circle(Point point, double radius, double deviation) {
  return std::abs(std::hypot(point.x, point.y) - radius) / deviation;
}

/// make_circles' outer circle with noise 0.01, and its inner one, factor 0.5.
constexpr Distribution large_circle = {
    [](SampleNumbers& numbers) { return circle(numbers, 1, 0.01); },
    [](Point point) { return from_circle(point, 1, 0.01); }};
constexpr Distribution small_circle = {
    [](SampleNumbers& numbers) { return circle(numbers, 0.5, 0.01); },
    [](Point point) { return from_circle(point, 0.5, 0.01); }};

/// make_moons has no noise here; distances are in units of this, scikit-learn's usual one.
constexpr double moon_deviation = 0.05;
Point upper_moon_at(double t) {
  return {std::cos(t), std::sin(t)};
}
Point lower_moon_at(double t) {
  return {1 - std::cos(t), 0.5 - std::sin(t)};
}

/// Its outer moon: (cos t, sin t), t uniform in [0, π]. Mean (0, 2/π), covariance
/// diag(1/2, 1/2 − 4/π²).
constexpr Distribution upper_moon = {
    [](SampleNumbers& numbers) { return upper_moon_at(pi * numbers.uniform()); },
    [](Point point) { return distance_to_curve(point, 0, pi, upper_moon_at) / moon_deviation; }};

/// Its inner moon: (1 − cos t, 1/2 − sin t). Mean (1, 1/2 − 2/π), covariance that of the upper one,
/// of which it is a rotation by 180 degrees, so that the best map is no rotation.
constexpr Distribution lower_moon = {
    [](SampleNumbers& numbers) { return lower_moon_at(pi * numbers.uniform()); },
    [](Point point) { return distance_to_curve(point, 0, pi, lower_moon_at) / moon_deviation; }};

/// make_s_curve with noise 0.01, its axes (2, 0), times 5: 5 (sign(t) (cos t − 1), sin t), t
/// uniform in [−3π/2, 3π/2]. Mean 0; covariance 25 [3/2 + 4/(3π), −1/(3π); −1/(3π), 1/2] + 25e-4 I.
Point s_curve_at(double t) {
  return {5 * std::copysign(1.0, t) * (std::cos(t) - 1), 5 * std::sin(t)};
}
constexpr Distribution s_curve = {
    [](SampleNumbers& numbers) {
      const Point point = s_curve_at(3 * pi * (numbers.uniform() - 0.5));
      return with_noise(numbers, point, 0.05);
    },
    [](Point point) { return distance_to_curve(point, -1.5 * pi, 1.5 * pi, s_curve_at) / 0.05; }};

/// make_swiss_roll with noise 0.01, its axes (2, 0), times 1/2: t/2 (sin t, cos t), t uniform in
/// [3π/2, 9π/2]. Mean (1/(3π), 1); second moments (4.875π² ± 1/4)/4 + 25e-6 (+ for x) and 3π/8.
Point swiss_roll_at(double t) {
  return {0.5 * t * std::sin(t), 0.5 * t * std::cos(t)};
}
constexpr Distribution swiss_roll = {
    [](SampleNumbers& numbers) {
      const Point point = swiss_roll_at(1.5 * pi * (1 + 2 * numbers.uniform()));
      return with_noise(numbers, point, 0.005);
    },
    [](Point point) {
      return distance_to_curve(point, 1.5 * pi, 4.5 * pi, swiss_roll_at) / 0.005;
    }};

/// Circles of radius 0.75, 1.5, 2.25 and 3, equally likely, with noise 0.08. The code spaces angles
/// evenly in a batch; here they are independent. Mean 0, covariance (4.21875/2 + 0.0064) I.
constexpr Distribution rings = {[](SampleNumbers& numbers) {
                                  const auto number = static_cast<double>(1 + numbers.below(4));
                                  return circle(numbers, 0.75 * number, 0.08);
                                },
                                [](Point point) {
                                  double nearest = std::numeric_limits<double>::infinity();
                                  for (int number = 1; number <= 4; ++number)
                                    nearest =
                                        std::min(nearest, from_circle(point, 0.75 * number, 0.08));
                                  return nearest;
                                }};

/// ((z₁ + z₂²)/2 − 2, z₂), z normal. Mean (−3/2, 0), covariance diag(3/4, 1).
constexpr Distribution maf_moon = {
    [](SampleNumbers& numbers) {
      const Point z = with_noise(numbers, {0, 0}, 1);
      return Point{(z.x + z.y * z.y) / 2 - 2, z.y};
    },
    [](Point point) { return std::hypot(2 * (point.x + 2) - point.y * point.y, point.y); }};

class PlaneSampler final : public Sampler {
 public:
  PlaneSampler(const Distribution& distribution, std::uint64_t seed, std::uint64_t stream,
               SampleSequence sequence)
      : distribution_(distribution), numbers_(sequence, seed, stream, most_numbers) {}

  std::int64_t dimension() const override { return 2; }

  void fill(std::int64_t first, std::int64_t count, double* points) const override {
    for (std::int64_t k = 0; k < count; ++k) {
      SampleNumbers numbers(numbers_, first + k);
      const Point point = distribution_.draw(numbers);
      points[2 * k] = point.x;
      points[2 * k + 1] = point.y;
    }
  }

  std::optional<double> deviations(const double* point) const override {
    return distribution_.deviations({point[0], point[1]});
  }

 private:
  Distribution distribution_;
  NumberSource numbers_;
};

/// Uniform on the rectangle low <= x₁ <= high, −1 <= x₂ <= 1.
template <int side>
constexpr Distribution strip = {
    [](SampleNumbers& numbers) {
      const double along = numbers.uniform();
      return Point{side * (1 + 0.25 * along), 2 * numbers.uniform() - 1};
    },
    [](Point point) {
      const double x = std::max({1 - side * point.x, side * point.x - 1.25, 0.0});
      return std::hypot(x, std::max(std::abs(point.y) - 1, 0.0)) / strip_deviation;
    }};
constexpr Distribution left_strip = strip<-1>, right_strip = strip<1>;

/// One Gaussian of this mean and standard deviation.
template <const Point& mean, const double& deviation>
constexpr Distribution gaussian_at = {
    [](SampleNumbers& numbers) { return with_noise(numbers, mean, deviation); },
    [](Point point) { return std::hypot(point.x - mean.x, point.y - mean.y) / deviation; }};

constexpr Point neck_left = {-7, 0}, neck_right = {7, 0}, tunnel_left = {-11, -1},
                tunnel_right = {11, 1}, circle_left = {-1, 0}, circle_right = {1, 0};
constexpr double neck_deviation = 0.447213595499957939, tunnel_deviation = 0.707106781186547524,
                 circle_deviation = 0.09;
constexpr Distribution from_neck = gaussian_at<neck_left, neck_deviation>,
                       to_neck = gaussian_at<neck_right, neck_deviation>,
                       from_tunnel = gaussian_at<tunnel_left, tunnel_deviation>,
                       to_tunnel = gaussian_at<tunnel_right, tunnel_deviation>,
                       from_left = gaussian_at<circle_left, circle_deviation>,
                       to_right = gaussian_at<circle_right, circle_deviation>;

/// Eight of deviation 1 on a circle of radius 16, of equal weight.
constexpr double q = 16 / std::numbers::sqrt2;
constexpr std::array<Point, 8> far_around = {
    {{16, 0}, {-16, 0}, {0, 16}, {0, -16}, {q, q}, {q, -q}, {-q, q}, {-q, -q}}};
constexpr Distribution far_gaussians = {
    [](SampleNumbers& numbers) {
      return with_noise(numbers, far_around[numbers.below(far_around.size())], 1);
    },
    [](Point point) { return nearest_distance(point, far_around); }};

struct NamedPair {
  const char* name;
  Distribution source, target;
};

constexpr NamedPair pairs[] = {{"eight_gaussians", narrow_gaussian, eight_gaussians},
                               {"square_gaussians", five_gaussians, four_gaussians},
                               {"circles", large_circle, small_circle},
                               {"moons", lower_moon, upper_moon},
                               {"s_curve", s_curve, standard_normal},
                               {"swiss_roll", swiss_roll, standard_normal},
                               {"rings", rings, standard_normal},
                               {"maf_moon", maf_moon, standard_normal},
                               {"moon_to_rings", maf_moon, rings},
                               {"strips", left_strip, right_strip},
                               {"far_gaussians", standard_normal, far_gaussians},
                               {"neck", from_neck, to_neck},
                               {"tunnel", from_tunnel, to_tunnel},
                               {"across", from_left, to_right}};

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
