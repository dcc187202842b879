#include "src/families/conditional_map/coupled_samples.hpp"

#include <cmath>

#include "kernels/api/outputs.hpp"
#include "src/families/conditional_map/paired_clouds.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {
namespace {

constexpr double coupled_epsilon = 0.02;

/// What the points of a problem are divided by, so that its mean cost is one.
double length_of(const double* x, const double* y, std::size_t points, std::size_t dimension) {
  double sum = 0;
  for (std::size_t i = 0; i < dimension; ++i) {
    double first[2] = {}, second[2] = {};
    for (std::size_t k = 0; k < points; ++k) {
      const double a = x[k * dimension + i], b = y[k * dimension + i];
      first[0] += a, first[1] += a * a;
      second[0] += b, second[1] += b * b;
    }
    const auto count = static_cast<double>(points);
    sum += first[1] / count + second[1] / count - 2 * first[0] * second[0] / (count * count);
  }
  return sum > 0 ? std::sqrt(sum) : 1;  // one point has no costs
}

}  // namespace

CoupledSamples couple_samples(const std::vector<double>& x, const std::vector<double>& y,
                              std::int64_t problems, std::int64_t dimension) {
  const auto d = static_cast<std::size_t>(dimension), count = static_cast<std::size_t>(problems);
  const std::size_t length = x.size() / count, points = length / d;
  std::vector<double> lengths;
  CloudPopulation samples = no_pairs(dimension);
  for (std::size_t k = 0; k < count; ++k) {
    lengths.push_back(length_of(x.data() + k * length, y.data() + k * length, points, d));
    const auto scaled = [&](const std::vector<double>& all) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(k * length);
      std::vector<double> own(begin, begin + static_cast<std::ptrdiff_t>(length));
      for (double& value : own) value /= lengths.back();
      return own;
    };
    add_pair(samples, scaled(x), scaled(y));
  }
  const PopulationView view(samples);
  const PopulationSolver solver(view, coupled_epsilon);
  SolverOptions options;
  options.threshold = 1e-2;
  SolutionOptions wanted;
  wanted.projection = true;
  SolveSeconds seconds;
  const auto solved = solver.solve({0, problems}, options, nullptr, wanted, seconds);
  const auto device = view.on_device(coupled_epsilon).between(samples.source, samples.target);
  DeviceArray<double> f("otfleet::models::potential", solved.f.size()),
      back("otfleet::models::images", x.size());
  f.upload(solved.f);
  kernels::barycentric_projection(device, coupled_epsilon, kernels::Projection::to_source, f, back);
  CoupledSamples result{solved.plan.projection, back.download()};
  for (auto* images : {&result.source_images, &result.target_images})
    for (std::size_t at = 0; at < images->size(); ++at) (*images)[at] *= lengths[at / length];
  return result;
}

}  // namespace otfleet
