#include "kernels/problems/cloud_communicator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "kernels/outputs/barycentric_projection.hpp"
#include "tests/kernels/cloud_batch.hpp"
#include "tests/kernels/thread_ranks.hpp"

// Clouds whose points several ranks have, against the same clouds in one place.

namespace otfleet::kernels {
namespace {

using namespace test;

/// One problem, whole or a part of its points.
struct Problem {
  GroundCost cost;
  Rows x, y;
  Row a, b;

  int dimension() const { return static_cast<int>(x.front().size()); }
};

Problem random_problem(const GroundCost& kind, int n, int m, int dimension, double zero_share) {
  Random random(static_cast<std::uint64_t>(17 + n));
  const HostClouds clouds = random_clouds(random, kind, n, m, dimension);
  Problem problem{kind, clouds.x, clouds.y, {}, {}};
  problem.a = random.weights(n, zero_share);
  problem.b = random.weights(m, zero_share);
  return problem;
}

template <class Values>
Values cut(const Values& values, std::pair<int, int> part) {
  return {values.begin() + part.first, values.begin() + part.second};
}

Vector<double, Space> upload(const Row& values) {
  const Vector<double, Space> device("otfleet::test::values", values.size());
  const auto host = Kokkos::create_mirror_view(device);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(device, host);
  return device;
}

Row download(const Vector<double, Space>& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return Row(host.data(), host.data() + host.extent(0));
}

/// What is known of one problem; rows are those of some points.
struct Answer {
  Row f, g, projection, gradient, figures;
  int iterations = 0, status = 0;
};

/// Everything that kernels make of a batch of one problem.
template <class Scalar>
Answer answer(const CloudBatch<Space>& batch, const Problem& here,
              const SinkhornSettings& settings) {
  const int d = static_cast<int>(batch.source.dimension());
  const Vector<double, Space> f = upload(Row(here.a.size()));
  const Vector<int, Space> iterations("otfleet::test::iterations", 1);
  const Vector<int, Space> status("otfleet::test::status", 1);
  sinkhorn<Scalar>(Space(), batch, settings, true, f, iterations, status);
  // And a start: nothing is left to do, whatever the momentum was.
  SinkhornSettings look = settings;
  look.max_iterations = 0;
  look.doubtful_error = 0.5;
  const Vector<int, Space> none("otfleet::test::iterations", 1),
      verdict("otfleet::test::status", 1);
  sinkhorn<Scalar>(Space(), batch, look, false, f, none, verdict);
  const Certificates<Space> found(1);
  const Vector<double, Space> g = upload(Row(here.b.size()));
  certify<Space>(Space(), batch, settings.epsilon, f, g, found);
  const Vector<double, Space> again = upload(Row(here.b.size()));
  soft_c_transform<Space>(Space(), batch, settings.epsilon, f, again);
  EXPECT_EQ(download(again), download(g));
  const Vector<double, Space> value("otfleet::test::value", 1);
  const Vector<double, Space> gradient = upload(Row(here.a.size()));
  semi_dual<Space>(Space(), batch, settings.epsilon, f, value, gradient);
  const Vector<double, Space> projection = upload(Row(here.a.size() * static_cast<std::size_t>(d)));
  barycentric_projection<Space>(Space(), batch, settings.epsilon, Projection::to_target, g,
                                on_device(here.y, d), projection);
  Answer result{download(f), download(g), download(projection), download(gradient), {}, 0, 0};
  for (const auto& figure : {found.dual_value, found.transport_cost, found.upper_bound,
                             found.lower_bound, found.marginal_error, value})
    result.figures.push_back(download(figure).front());
  Kokkos::deep_copy(result.iterations, Kokkos::subview(iterations, 0));
  Kokkos::deep_copy(result.status, Kokkos::subview(verdict, 0));
  return result;
}

CloudMeasures<Space> whole_measure(const Problem& problem, const Rows& points, const Row& weights) {
  return {Space(),
          upload(weights),
          on_device(points, problem.dimension()),
          {0, static_cast<std::int64_t>(weights.size())},
          problem.cost};
}

CloudMeasures<Space> part_measure(CloudCommunicator& communicator, const Problem& problem,
                                  const Rows& points, const Row& weights,
                                  std::pair<int, int> part) {
  return {Space(),
          communicator,
          upload(cut(weights, part)),
          on_device(cut(points, part), problem.dimension()),
          part.first,
          problem.cost};
}

void expect_near(const Row& found, const Row& expected, double tolerance, const char* what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i])) ||
                std::abs(found[i] - expected[i]) <= tolerance)
        << what << " " << i << ": " << found[i] << " instead of " << expected[i];
}

using Cuts = std::vector<int>;  ///< where parts begin and end

template <class Scalar>
void expect_same(const Problem& problem, const Cuts& sources, const Cuts& targets,
                 const SinkhornSettings& settings, double tolerance) {
  const CloudBatch<Space> whole{whole_measure(problem, problem.x, problem.a),
                                whole_measure(problem, problem.y, problem.b),
                                {0},
                                {0}};
  const Answer expected = answer<Scalar>(whole, problem, settings);
  on_ranks(static_cast<int>(sources.size()) - 1, [&](CloudCommunicator& communicator, int rank) {
    const auto part_of = [&](const Cuts& cuts) {
      const auto h = static_cast<std::size_t>(rank);
      return std::pair{cuts[h], cuts[h + 1]};
    };
    const auto from = part_of(sources), to = part_of(targets);
    const CloudBatch<Space> batch{part_measure(communicator, problem, problem.x, problem.a, from),
                                  part_measure(communicator, problem, problem.y, problem.b, to),
                                  {0},
                                  {0}};
    Problem here = problem;
    here.y = cut(problem.y, to);
    here.a = cut(problem.a, from);
    here.b = cut(problem.b, to);
    const Answer found = answer<Scalar>(batch, here, settings);
    const int d = problem.dimension();
    EXPECT_EQ(found.status, expected.status);
    EXPECT_EQ(found.iterations, expected.iterations);
    expect_near(found.f, cut(expected.f, from), tolerance, "f");
    expect_near(found.g, cut(expected.g, to), tolerance, "g");
    expect_near(found.gradient, cut(expected.gradient, from), tolerance, "gradient");
    expect_near(found.projection, cut(expected.projection, {d * from.first, d * from.second}),
                tolerance, "projection");
    expect_near(found.figures, expected.figures, tolerance, "figures");
  });
}

TEST(CloudCommunicator, AnswersAreThoseOfOnePlace) {
  auto settings = settings_for(0.05, 1e-7, 2000);
  settings.acceleration = Acceleration::momentum;
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    const auto problem = random_problem(kind, 43, 71, 3, 0.3);
    expect_same<double>(problem, {0, 43}, {0, 71}, settings, 1e-12);
    expect_same<double>(problem, {0, 20, 43}, {0, 36, 71}, settings, 1e-10);
    // Holders without sources, without targets, and without either.
    expect_same<double>(problem, {0, 0, 1, 1, 43}, {0, 30, 30, 30, 71}, settings, 1e-10);
  }
}

TEST(CloudCommunicator, FloatsPlainIterationsAndOnePoint) {
  const auto problem = random_problem(SquaredEuclideanCost(), 43, 71, 3, 0.3);
  auto settings = settings_for(0.05, 1e-12, 10);
  expect_same<float>(problem, {0, 20, 43}, {0, 36, 71}, settings, 1e-5);
  settings.inner_iterations = 4;
  expect_same<double>(problem, {0, 5, 30, 43}, {0, 2, 3, 71}, settings, 1e-11);
  // Potentials move by more than exp holds.
  settings = settings_for(1e-4, 1e-6, 30);
  settings.acceleration = Acceleration::momentum;
  expect_same<double>(problem, {0, 20, 43}, {0, 36, 71}, settings, 1e-10);
  const auto points = random_problem(EuclideanCost(), 1, 1, 2, 0);
  expect_same<double>(points, {0, 0, 1}, {0, 1, 1}, settings_for(0.1, 1e-6, 9), 1e-13);
}

TEST(CloudCommunicator, FaultsAreThoseOfAllRanks) {
  const auto message = [](const Problem& problem) {
    std::vector<std::string> messages(2);
    on_ranks(2, [&](CloudCommunicator& communicator, int rank) {
      const auto part = rank == 0 ? std::pair{0, 3} : std::pair{3, 7};
      try {
        part_measure(communicator, problem, problem.x, problem.a, part);
      } catch (const std::invalid_argument& error) {
        messages[static_cast<std::size_t>(rank)] = error.what();
      }
    });
    EXPECT_EQ(messages[0], messages[1]);
    return messages[0];
  };
  const auto good = random_problem(SquaredEuclideanCost(), 7, 7, 2, 0);
  EXPECT_EQ(message(good), "");
  auto bad = good;
  bad.x[5][1] = infinity;
  bad.x[6][0] = infinity;
  EXPECT_EQ(message(bad).substr(0, 18), "measure 0: point 5");
  bad = good;
  bad.a[6] = -1;
  EXPECT_EQ(message(bad), "measure 0 has a negative or non-finite weight, or no mass");
  bad.a = Row(7);
  EXPECT_EQ(message(bad), "measure 0 has a negative or non-finite weight, or no mass");
}

TEST(CloudCommunicator, BothSidesHaveTheSameRanks) {
  const auto problem = random_problem(EuclideanCost(), 4, 4, 2, 0);
  on_ranks(1, [&](CloudCommunicator& communicator, int) {
    const CloudBatch<Space> batch{part_measure(communicator, problem, problem.x, problem.a, {0, 4}),
                                  whole_measure(problem, problem.y, problem.b),
                                  {0},
                                  {0}};
    const Vector<double, Space> f = upload(Row(4)), g = upload(Row(4));
    EXPECT_THROW(soft_c_transform<Space>(Space(), batch, 0.1, f, g), std::invalid_argument);
  });
}

}  // namespace
}  // namespace otfleet::kernels
