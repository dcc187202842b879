// A program of its own that solves four problems on a grid with the installed kernels.
#include <Kokkos_Core.hpp>
#include <cmath>
#include <cstdio>
#include <vector>

#include <otfleet/kernels/outputs/certificate.hpp>
#include <otfleet/kernels/solvers/sinkhorn/sinkhorn.hpp>

namespace kernels = otfleet::kernels;
using Space = Kokkos::DefaultExecutionSpace;

int main(int argc, char** argv) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  constexpr int side = 16, points = side * side, problems = 4;
  std::vector<double> axis;
  for (int i = 0; i < side; ++i) axis.push_back(i / (side - 1.0));
  const auto cost = kernels::SeparableCost::squared_euclidean_grid({axis, axis});

  // Five blobs on a diagonal; problem k moves the first one to blob k + 1.
  const kernels::Matrix<double, Space> weights("app::weights", problems + 1, points);
  const kernels::Vector<int, Space> source("app::source", problems),
      target("app::target", problems);
  const auto blobs = Kokkos::create_mirror_view(weights);
  const auto to = Kokkos::create_mirror_view(target);
  for (int k = 0; k <= problems; ++k) {
    const double center = 0.3 + 0.1 * k;
    for (int i = 0; i < points; ++i)
      blobs(k, i) = std::exp(
          -50 * (std::pow(axis[i / side] - center, 2) + std::pow(axis[i % side] - center, 2)));
    if (k < problems) to(k) = k + 1;
  }
  Kokkos::deep_copy(weights, blobs);
  Kokkos::deep_copy(target, to);
  const kernels::Measures<Space> measures(Space(), weights);
  const kernels::ProblemBatch<Space> batch{measures, measures, source, target};

  kernels::SinkhornSettings settings;
  settings.acceleration = kernels::Acceleration::momentum;
  const kernels::Matrix<double, Space> f("app::f", problems, points), g("app::g", problems, points);
  const kernels::Vector<int, Space> iterations("app::iterations", problems),
      status("app::status", problems);
  kernels::sinkhorn<double>(Space(), cost, batch, settings, true, f, iterations, status);
  const kernels::Certificates<Space> found(problems);
  kernels::certify<Space>(Space(), cost, batch, settings.epsilon, f, g, found);

  const auto error = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), found.marginal_error);
  const auto upper = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), found.upper_bound);
  const auto lower = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), found.lower_bound);
  bool good = true;
  for (int k = 0; k < problems; ++k) {
    std::printf("%d: optimum within [%g, %g], error %.1e\n", k, lower(k), upper(k), error(k));
    good = good && error(k) < settings.threshold && lower(k) <= upper(k);
  }
  return good ? 0 : 1;
}
