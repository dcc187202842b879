#include "src/families/linear/solved_blocks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "src/models/potential_checkpoint.hpp"
#include "src/populations/population_view.hpp"
#include "tests/src/predicted_potentials.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

constexpr double epsilon = 0.02;

/// Ends a batch as soon as it is asked.
class EndsAtOnce final : public kernels::IterationObserver {
 protected:
  bool observe(int, int, double) noexcept override { return false; }
};

std::vector<double> shifted(std::vector<double> values) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const double value : values) largest = std::max(largest, value);
  for (double& value : values) value -= largest;
  return values;
}

void expect_same(const std::vector<double>& found, const double* expected, double tolerance) {
  const auto x = shifted(found), y = shifted({expected, expected + found.size()});
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::isinf(y[i]))
      EXPECT_EQ(x[i], y[i]) << i;
    else
      EXPECT_NEAR(x[i], y[i], tolerance) << i;
}

/// A block that is ended before most of its problems began still knows where each of them begins,
/// and gets to the same solutions from there.
TEST(BalancedBlock, ProblemsThatNobodyBeganHaveTheirStart) {
  constexpr int problems = 60;  // more than there are lanes
  const auto population = testing::blob_population(6, 5, problems);
  const PopulationView view(population);
  const BatchSolver solver(view.on_device(epsilon), epsilon, mean_supports(view));
  Job job;
  job.problem.epsilon = epsilon;
  job.model.hidden = {16};
  const PotentialModel model(describe_model(job, population), 1);
  const auto weights = solver.measures().source_weights();
  const PairPredictor predictor(model, weights, solver.measures().target_weights());
  const auto expected = testing::predicted_potentials(predictor, weights, population.source,
                                                      population.target, epsilon)
                            .flat()
                            .download();
  SolverOptions settings;
  settings.method = "sinkhorn";
  settings.threshold = 1e-8;
  settings.doubtful_error = std::numeric_limits<double>::infinity();
  std::vector<std::int32_t> all, iterations, status;
  for (int k = 0; k < problems; ++k) all.push_back(k);
  SolveCounts counts;

  for (const bool predicted : {true, false}) {
    const auto start = [&] {
      Batch batch(solver.measures().between(population.source, population.target));
      batch.f.fill(std::numeric_limits<double>::quiet_NaN());  // nobody may look at it
      batch.from_zeros = !predicted;
      if (predicted) batch.learned = predictor.predict(population.source, population.target);
      return batch;
    };
    settings.initializer = predicted ? "model" : "zeros";
    Batch whole = start();
    solver.solve(whole, settings, counts);

    Batch batch = start();
    BalancedBlock block(solver, settings, batch, counts);
    EndsAtOnce observer;
    block.run(all, settings.max_iterations, observer, iterations, status);
    int untouched = 0;
    for (const int k : all)
      if (iterations[static_cast<std::size_t>(k)] == 0) {
        ++untouched;
        const auto n = static_cast<std::size_t>(population.geometry.n);
        const auto found = block.potential(k);
        if (predicted)
          expect_same(found, &expected[static_cast<std::size_t>(k) * n], 1e-6);
        else
          for (const double value : found) EXPECT_TRUE(value == 0 || std::isinf(value)) << value;
      }
    EXPECT_GT(untouched, problems / 2);

    solver.solve(batch, settings, counts);
    const auto n = static_cast<std::size_t>(population.geometry.n);
    const auto solved = whole.f.download(), finished = batch.f.download();
    for (std::size_t k = 0; k < problems; ++k)
      expect_same({&finished[k * n], &finished[k * n] + n}, &solved[k * n], 1e-5);
  }
}

}  // namespace
}  // namespace otfleet
