// A program of its own that knows no Kokkos: it solves two problems between points with the plain
// functions of the installed kernels.
#include <cmath>
#include <cstdio>
#include <vector>

#include <otfleet/kernels/api/outputs.hpp>
#include <otfleet/kernels/api/solvers.hpp>
#include <otfleet/kernels/runtime.hpp>

#ifdef KOKKOS_VERSION
#error "the plain headers include Kokkos"
#endif

namespace kernels = otfleet::kernels;
using otfleet::DeviceArray;

int main(int argc, char** argv) {
  const kernels::Runtime runtime(argc, argv);
  constexpr int count = 40, problems = 2;
  constexpr double epsilon = 0.01;
  // Three measures of mass 1 on the points of a line.
  std::vector<double> points, weights;
  for (int i = 0; i < count; ++i) points.push_back(i / (count - 1.0));
  for (const double center : {0.2, 0.5, 0.8}) {
    double mass = 0;
    for (const double x : points) mass += std::exp(-80 * (x - center) * (x - center));
    for (const double x : points)
      weights.push_back(std::exp(-80 * (x - center) * (x - center)) / mass);
  }
  const auto measures = kernels::Problems::between_points(
      kernels::find_ground_cost("squared_euclidean").value(), 1, {weights, points}, {{}, points});
  const std::vector<std::int32_t> sources = {0, 0}, targets = {1, 2};
  const auto batch = measures.between(sources, targets);

  kernels::SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-4;
  const DeviceArray<double> f("app::f", problems * count), g("app::g", problems * count);
  const kernels::Progress progress(problems);
  kernels::solve_sinkhorn(batch, settings, kernels::Arithmetic::in_double, true, f, progress);
  const kernels::CertificateResult found(problems);
  kernels::certify(batch, epsilon, f, g, found);

  const auto error = found.marginal_error.download(), cost = found.transport_cost.download();
  bool good = true;
  for (int k = 0; k < problems; ++k) {
    std::printf("%d: cost %g, error %.1e\n", k, cost[k], error[k]);
    // Measures of one shape that lie 0.3 (k + 1) apart: the regularized plan adds a little.
    const double shift = std::pow(0.3 * (k + 1), 2);
    good = good && error[k] < settings.threshold && cost[k] > 0.8 * shift &&
           cost[k] < 1.2 * shift + epsilon;
  }
  return good ? 0 : 1;
}
