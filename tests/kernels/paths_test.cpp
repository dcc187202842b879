#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/paths/grid_slope.hpp"
#include "kernels/paths/least_action.hpp"
#include "tests/kernels/paths_testing.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

double half_square(const Row& x, const Row& y, std::size_t k, int dimension) {
  double sum = 0;
  for (int i = 0; i < dimension; ++i) {
    const auto at = k * static_cast<std::size_t>(dimension) + static_cast<std::size_t>(i);
    sum += (y[at] - x[at]) * (y[at] - x[at]);
  }
  return sum / 2;
}

/// Numbers on a grid over the plane or the globe.
template <class Gridded>
Gridded with_numbers(GridMeaning meaning) {
  std::mt19937 engine(11);
  std::uniform_real_distribution<double> uniform(0.5, 2);
  constexpr int rows = 9, columns = 12;
  auto values = std::make_shared<std::vector<double>>();
  for (int k = 0; k < rows * columns; ++k) values->push_back(uniform(engine));
  Gridded gridded;
  const PlaneBox box = Gridded::box;
  gridded.values = values;
  gridded.grid_means = meaning;
  gridded.least = *std::min_element(values->begin(), values->end());
  gridded.field = {nullptr,
                   rows,
                   columns,
                   {box.low[0], box.high[1]},  // the first row at the top
                   {(box.high[0] - box.low[0]) / columns, (box.low[1] - box.high[1]) / (rows - 1)},
                   std::is_same_v<Gridded, GlobeLagrangian>};
  return gridded;
}

/// Directions that turn all over the plane.
DirectionsLagrangian with_directions() {
  std::mt19937 engine(12);
  std::uniform_real_distribution<double> uniform(0, 3);
  constexpr int rows = 5, columns = 7;
  auto values = std::make_shared<std::vector<double>>(2 * rows * columns);
  for (std::size_t k = 0; k < rows * columns; ++k) {
    const double angle = uniform(engine);
    (*values)[k] = std::cos(2 * angle);
    (*values)[rows * columns + k] = std::sin(2 * angle);
  }
  DirectionsLagrangian directions;
  directions.along = 0.2;
  directions.values = values;
  directions.field = {nullptr, rows, columns, {-1, -1}, {2.0 / (columns - 1), 2.0 / (rows - 1)},
                      {}};
  return directions;
}

/// Matrices that differ all over the plane.
MetricLagrangian with_matrices() {
  std::mt19937 engine(13);
  std::uniform_real_distribution<double> uniform(0.5, 1.5);
  constexpr int rows = 6, columns = 5;
  MetricLagrangian metric;
  metric.field = {nullptr, rows, columns, {-1, 1}, {2.0 / (columns - 1), -2.0 / (rows - 1)}, {}};
  std::vector<double> nodes;
  for (int k = 0; k < rows * columns; ++k) {
    const double a = uniform(engine), c = uniform(engine), b = 0.6 * (uniform(engine) - 1);
    nodes.insert(nodes.end(), {a, b, b, c});
    EXPECT_EQ(MetricLagrangian::fault(nodes.data() + nodes.size() - 4), nullptr);
  }
  metric.take(nodes);
  return metric;
}

/// Metrics that are not a thousand times cheaper in one direction: those have minima without
/// number.
std::vector<Lagrangian> tested_lagrangians() {
  std::vector<Lagrangian> all = all_lagrangians();
  for (Lagrangian& lagrangian : all)
    for_each_parameter_of(lagrangian, [](const auto& parameter, double& value) {
      if (parameter.name == std::string("along")) value = 0.2;
    });
  for (const GridMeaning meaning : {GridMeaning::barrier, GridMeaning::slowness}) {
    all.emplace_back(with_numbers<GridLagrangian>(meaning));
    all.emplace_back(with_numbers<GlobeLagrangian>(meaning));
  }
  all.emplace_back(with_directions());
  all.emplace_back(with_matrices());
  return all;
}

class EveryLagrangian : public testing::TestWithParam<Lagrangian> {
 protected:
  static int dimension() { return std::max(2, dimension_of(GetParam())); }
};

TEST(PathBasis, KineticEnergyIsThatOfTheCoefficients) {
  for (const auto& [nodes, points] : {std::pair{30, 20}, {12, 40}, {3, 3}, {5, 100}}) {
    const PathBasis basis(nodes, points);
    EXPECT_EQ(basis.coefficients, std::min(nodes, points) - 2);
    const auto width = static_cast<std::size_t>(basis.coefficients);
    for (std::size_t a = 0; a < width; ++a) {
      EXPECT_EQ(basis.at_points[a], 0);
      EXPECT_EQ(basis.at_nodes[(static_cast<std::size_t>(nodes) - 1) * width + a], 0);
      for (std::size_t b = 0; b < width; ++b) {
        double sum = 0;
        for (std::size_t k = 1; k < static_cast<std::size_t>(points); ++k)
          sum += (points - 1) *
                 (basis.at_points[k * width + a] - basis.at_points[(k - 1) * width + a]) *
                 (basis.at_points[k * width + b] - basis.at_points[(k - 1) * width + b]);
        EXPECT_NEAR(sum, a == b ? 1 : 0, 1e-9);
      }
    }
  }
}

TEST(PathBasis, RefusesTooFewNodesOrPoints) {
  EXPECT_THROW(PathBasis(2, 20), std::invalid_argument);
  EXPECT_THROW(PathBasis(30, 2), std::invalid_argument);
}

TEST_P(EveryLagrangian, EnergyHasTheGradientOfItsDifferences) {
  const PathBasis basis(9, 12);
  const PathTables<Space> tables(basis);
  PathEnergy<Space, double> energy(GetParam(), tables, dimension(), true);
  const int d = dimension(), length = energy.dimension(), count = 5;
  std::mt19937 engine(7);
  std::normal_distribution<double> normal(0, 0.3);
  const Row x = points_of(GetParam(), count, d, 1), y = points_of(GetParam(), count, d, 2);
  Row rows;
  for (int k = 0; k < count; ++k) {
    for (int i = 0; i < basis.coefficients * d; ++i) rows.push_back(normal(engine));
    rows.insert(rows.end(), x.begin() + k * d, x.begin() + (k + 1) * d);
    rows.insert(rows.end(), y.begin() + k * d, y.begin() + (k + 1) * d);
  }
  const auto evaluate = [&](const Row& at) {
    const Vector<double, Space> value("value", count);
    const Matrix<double, Space> gradient("gradient", count, length);
    energy.evaluate(Space(), matrix_of(at, length), value, gradient);
    return std::pair{to_host(value), to_host(gradient)};
  };
  const auto [value, gradient] = evaluate(rows);
  for (int i = 0; i < length; ++i) {
    const bool fixed = i >= length - 2 * d && i < length - d;
    const double step = 1e-6;
    Row more = rows, less = rows;
    for (int k = 0; k < count; ++k) {
      const auto at = static_cast<std::size_t>(k) * static_cast<std::size_t>(length) +
                      static_cast<std::size_t>(i);
      more[at] += step;
      less[at] -= step;
    }
    const Row above = evaluate(more).first, below = evaluate(less).first;
    for (int k = 0; k < count; ++k) {
      const auto row = static_cast<std::size_t>(k);
      const double expected = fixed ? 0 : (above[row] - below[row]) / (2 * step);
      EXPECT_NEAR(gradient[static_cast<std::size_t>(k * length + i)], expected,
                  2e-5 * (1 + std::abs(value[row])))
          << name_of(GetParam()) << " row " << k << " number " << i;
    }
  }
}

TEST_P(EveryLagrangian, NoPathCostsMoreThanTheStraightLineOrLessThanTheBound) {
  const int d = dimension(), count = 40;
  const Row x = points_of(GetParam(), count, d, 3), y = points_of(GetParam(), count, d, 4);
  PathSettings settings;
  settings.points = 60;
  const Found found = solve(GetParam(), d, x, y, settings);
  for (std::size_t k = 0; k < count; ++k) {
    EXPECT_LE(found.fine[k], found.straight[k] * (1 + 2e-6));
    EXPECT_GE(found.fine[k], least_action_bound(GetParam(), &x[k * static_cast<std::size_t>(d)],
                                                &y[k * static_cast<std::size_t>(d)], d) *
                                 (1 - 1e-12));
    if (found.status[k] == 0) {
      EXPECT_LE(found.residual[k], settings.lbfgs.gradient_tolerance);
    }
  }
  EXPECT_GE(std::count(found.status.begin(), found.status.end(), 0), count * 2 / 3)
      << name_of(GetParam());
}

TEST_P(EveryLagrangian, CostsTheSameInBothDirections) {
  const int d = dimension(), count = 20;
  const Row x = points_of(GetParam(), count, d, 5), y = points_of(GetParam(), count, d, 6);
  const Found there = solve(GetParam(), d, x, y), back = solve(GetParam(), d, y, x);
  int same = 0;  // where there are many minima, the same starts need not lead to the same ones
  for (std::size_t k = 0; k < count; ++k)
    same += std::abs(there.action[k] - back.action[k]) <= 1e-6 * (1 + there.action[k]) ? 1 : 0;
  EXPECT_GE(same, count * 3 / 4) << name_of(GetParam());
}

TEST_P(EveryLagrangian, APathDoesNotDependOnTheOthers) {
  const int d = dimension(), count = 9;
  const Row x = points_of(GetParam(), count, d, 8), y = points_of(GetParam(), count, d, 9);
  const Found all = solve(GetParam(), d, x, y);
  for (const int k : {0, 4, 8}) {
    const Found one = solve(GetParam(), d, Row(x.begin() + k * d, x.begin() + (k + 1) * d),
                            Row(y.begin() + k * d, y.begin() + (k + 1) * d));
    EXPECT_EQ(one.action[0], all.action[static_cast<std::size_t>(k)]);
    EXPECT_EQ(one.start[0], all.start[static_cast<std::size_t>(k)]);
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, EveryLagrangian, testing::ValuesIn(tested_lagrangians()),
                         [](const auto& named) {
                           return std::to_string(named.index) + name_of(named.param);
                         });

/// The numbers on a Lagrangian's grid; none: it has none.
const std::vector<double>* numbers_of(const Lagrangian& lagrangian) {
  return std::visit(
      [](const auto& typed) -> const std::vector<double>* {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>) return typed.values.get();
        return nullptr;
      },
      lagrangian);
}

TEST_P(EveryLagrangian, ActionsHaveTheGridSlopeOfTheirDifferences) {
  Lagrangian lagrangian = GetParam();
  if (numbers_of(lagrangian) == nullptr) return;
  const Row x = points_of(lagrangian, 3, 2, 1), y = points_of(lagrangian, 3, 2, 2);
  PathSettings settings;
  settings.nodes = 8;
  settings.points = 10;
  const PathBasis basis(settings.nodes, settings.points);
  const PathTables<Space> tables(basis);
  Row splines;
  std::mt19937 engine(5);
  std::normal_distribution<double> normal(0, 0.2);
  for (int k = 0; k < 3 * 2 * basis.coefficients; ++k) splines.push_back(normal(engine));
  const auto sum_of_actions = [&] {
    PathEnergy<Space, double> energy(lagrangian, tables, 2);
    Row rows;
    for (std::size_t k = 0; k < 3; ++k) {
      const auto length = static_cast<std::ptrdiff_t>(2 * basis.coefficients);
      const auto first = splines.begin() + static_cast<std::ptrdiff_t>(k) * length;
      rows.insert(rows.end(), first, first + length);
      for (const Row* ends : {&x, &y})
        for (std::size_t i = 0; i < 2; ++i) rows.push_back((*ends)[2 * k + i]);
    }
    const Vector<double, Space> action("otfleet::test::action", 3);
    energy.evaluate(Space(), matrix_of(rows, energy.dimension()), action, {});
    double sum = 0;
    for (const double one : to_host(action)) sum += one;
    return sum;
  };
  const std::vector<double> numbers = *numbers_of(lagrangian);
  const double weight = 0.7;
  const Vector<double, Space> slope("otfleet::test::slope", numbers.size());
  add_grid_slope<Space>(Space(), lagrangian, to_device(numbers), tables, matrix_of(x, 2),
                        matrix_of(y, 2), matrix_of(splines, 2 * basis.coefficients), weight, slope);
  const Row found = to_host(slope);
  double largest = 0;
  for (const double one : found) largest = std::max(largest, std::abs(one));
  EXPECT_GT(largest, 0);
  for (std::size_t k = 0; k < numbers.size(); k += 3) {
    double difference = 0;
    for (const double step : {1e-5, -1e-5}) {
      auto changed = numbers;
      changed[k] += step;
      std::visit(
          [&](auto& typed) {
            if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>)
              typed.values = std::make_shared<const std::vector<double>>(changed);
          },
          lagrangian);
      difference += sum_of_actions() / (2 * step);
    }
    EXPECT_NEAR(found[k], weight * difference, 1e-7 * (1 + largest)) << k;
  }
}

TEST_P(EveryLagrangian, APredictionIsWhereItsPathBegins) {
  const Row x = points_of(GetParam(), 9, dimension(), 1),
            y = points_of(GetParam(), 9, dimension(), 2);
  const Found usual = solve(GetParam(), dimension(), x, y);
  PathSettings settings;
  settings.starts = 1;
  const Found again = solve(GetParam(), dimension(), x, y, settings, usual.coefficients);
  for (std::size_t k = 0; k < 9; ++k) {
    if (usual.status[k] != static_cast<int>(ConjugateStatus::converged)) continue;
    EXPECT_EQ(again.start[k], predicted_start);
    EXPECT_EQ(again.steps[k], 0);
    EXPECT_EQ(again.action[k], usual.action[k]);
    EXPECT_EQ(again.fine[k], usual.fine[k]);
  }
  // A prediction that leads nowhere leaves the straight line.
  Row wild(usual.coefficients.size(), 1e3);
  settings.lbfgs.max_steps = 0;
  const Found straight = solve(GetParam(), dimension(), x, y, settings, wild);
  for (std::size_t k = 0; k < 9; ++k) {
    EXPECT_EQ(straight.start[k], 0);
    EXPECT_EQ(straight.fine[k], straight.straight[k]);
  }
}

TEST(LeastActionPaths, AreStraightWhereNothingIsInTheWay) {
  for (const int d : {1, 2, 3, 5, most_path_dimension}) {
    const Lagrangian free = SquaredEuclideanLagrangian();
    const Row x = points_of(free, 30, d, 1), y = points_of(free, 30, d, 2);
    const Found found = solve(free, d, x, y);
    for (std::size_t k = 0; k < 30; ++k) {
      EXPECT_NEAR(found.action[k], half_square(x, y, k, d), 1e-9);
      EXPECT_EQ(found.status[k], 0);
    }
  }
}

/// γ'' = 2 s γ: hyperbolic sines, known in closed form (the oscillator of Feynman & Hibbs 1965,
/// problem 2-2, with an imaginary frequency).
TEST(LeastActionPaths, OfAWellAreHyperbolic) {
  WellLagrangian well;
  well.strength = 2;
  const Row x = points_of(well, 20, 2, 1), y = points_of(well, 20, 2, 2);
  const double omega = std::sqrt(2 * well.strength);
  PathSettings settings;
  settings.nodes = 60;
  settings.points = 200;
  const Found found = solve(well, 2, x, y, settings);
  for (std::size_t k = 0; k < 20; ++k) {
    const double* const from = &x[2 * k];
    const double* const to = &y[2 * k];
    const double squares = from[0] * from[0] + from[1] * from[1] + to[0] * to[0] + to[1] * to[1];
    const double product = from[0] * to[0] + from[1] * to[1];
    const double exact =
        omega / (2 * std::sinh(omega)) * (squares * std::cosh(omega) - 2 * product);
    EXPECT_NEAR(found.fine[k], exact, 2e-4 * (1 + exact));
    EXPECT_EQ(found.status[k], 0);
  }
}

TEST(LeastActionPaths, OfTheGlobeAreGreatCircles) {
  const Lagrangian globe = GlobeLagrangian();
  const double unit = std::acos(-1.0) / 180;
  const Row x = points_of(globe, 30, 2, 1, 0.4), y = points_of(globe, 30, 2, 2, 0.4);
  PathSettings settings;
  settings.points = 100;
  const Found found = solve(globe, 2, x, y, settings);
  for (std::size_t k = 0; k < 30; ++k) {
    const double from = unit * x[2 * k + 1], to = unit * y[2 * k + 1];
    const double turned = unit * (x[2 * k] - y[2 * k]);
    const double angle =
        std::acos(std::sin(from) * std::sin(to) + std::cos(from) * std::cos(to) * std::cos(turned));
    EXPECT_NEAR(found.fine[k], angle * angle / 2, 1e-4 * (1 + angle * angle));
  }
}

/// Along circles around the origin lengths are √along of what they are: a cone, which is a plane
/// once it is cut open.
TEST(LeastActionPaths, OfTheCircleMetricAreThoseOfACone) {
  CircleLagrangian circle;
  circle.along = 0.04;
  std::mt19937 engine(3);
  std::uniform_real_distribution<double> radius(0.7, 1.3), angle(0, 2.5);
  Row x, y, exact;
  for (int k = 0; k < 30; ++k) {
    const double r = radius(engine), s = radius(engine), a = angle(engine), b = angle(engine);
    x.insert(x.end(), {r * std::cos(a), r * std::sin(a)});
    y.insert(y.end(), {s * std::cos(b), s * std::sin(b)});
    exact.push_back((r * r + s * s - 2 * r * s * std::cos(std::sqrt(circle.along) * (a - b))) / 2);
  }
  PathSettings settings;
  settings.points = 100;
  const Found found = solve(circle, 2, x, y, settings);
  for (std::size_t k = 0; k < 30; ++k)
    EXPECT_NEAR(found.fine[k], exact[k], 2e-3 * exact[k] + 1e-6) << k;
}

/// √(2 c) is the length of a shortest path where nothing but the metric counts.
TEST(LeastActionPaths, LengthsKeepTheTriangleInequality) {
  for (const Lagrangian& lagrangian : {Lagrangian(CircleLagrangian()), Lagrangian(VeeLagrangian()),
                                       Lagrangian(CrossingLagrangian())}) {
    constexpr std::size_t count = 7;
    const Row points = points_of(lagrangian, count, 2, 12);
    Row x, y;
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j) {
        x.insert(x.end(), {points[2 * i], points[2 * i + 1]});
        y.insert(y.end(), {points[2 * j], points[2 * j + 1]});
      }
    PathSettings settings;
    settings.points = 60;
    settings.starts = 5;
    settings.lbfgs.max_steps = 2000;
    const Row action = solve(lagrangian, 2, x, y, settings).fine;
    const auto length = [&](std::size_t i, std::size_t j) {
      return std::sqrt(2 * action[i * count + j]);
    };
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j)
        for (std::size_t k = 0; k < count; ++k)
          EXPECT_LE(length(i, j), (length(i, k) + length(k, j)) * 1.05 + 1e-3)
              << name_of(lagrangian);
  }
}

TEST(LeastActionPaths, GoAroundAHillWhoseTopIsAStationaryPath) {
  HillLagrangian hill;
  const Row x = {-1.5, 0}, y = {1.5, 0};
  PathSettings settings;
  settings.starts = 1;  // by symmetry the straight line stays where it is
  const Found over = solve(hill, 2, x, y, settings);
  settings.starts = 3;
  const Found around = solve(hill, 2, x, y, settings);
  EXPECT_LT(around.fine[0], 0.95 * over.fine[0]);
  EXPECT_NE(around.start[0], 0);
}

TEST(LeastActionPaths, StartAndEndWhereTheyShould) {
  const Lagrangian slit = SlitLagrangian();
  const Row x = {-1.1, 0.5, -1.2, -0.9}, y = {1.1, -0.2, 1.2, 0.8};
  const Found found = solve(slit, 2, x, y);
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(found.nodes[60 * k + i], x[2 * k + i]);
      EXPECT_EQ(found.nodes[60 * k + 58 + i], y[2 * k + i]);
    }
}

TEST(LeastActionPaths, OfPointsWithoutAFiniteActionSaySo) {
  const double none = std::nan("");
  const Found found = solve(HillLagrangian(), 2, {none, 0, -1, 0}, {1, 0, 1, 0.5});
  EXPECT_EQ(found.status[0], static_cast<int>(ConjugateStatus::not_finite));
  EXPECT_EQ(found.status[1], 0);
}

TEST(LeastActionPaths, RefuseWhatMakesNoSense) {
  PathSettings none;
  none.starts = 0;
  EXPECT_THROW(solve(HillLagrangian(), 2, {0, 0}, {1, 1}, none), std::invalid_argument);
  EXPECT_THROW(solve(HillLagrangian(), 3, {0, 0, 0}, {1, 1, 1}), std::invalid_argument);
  EXPECT_THROW(solve(SquaredEuclideanLagrangian(), 2, {0, 0}, {1, 1, 2, 2}), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
