#include "kernels/self_test.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "kernels/api/outputs.hpp"
#include "kernels/api/solvers.hpp"
#include "kernels/self_test_captures.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {
namespace {

using Numbers = std::vector<double>;

const char* const wrong_compiler =
    "compile Kokkos and otfleet with the same compiler, for this device's architecture "
    "(Kokkos_ARCH_...)";

void check_captures(std::vector<SelfCheck>& checks) {
  const DeviceArray<double> found("otfleet::self_test::found", Captured::numbers);
  const Vector<double, DeviceSpace> vector("otfleet::self_test::vector", 3);
  const Matrix<double, DeviceSpace> matrix("otfleet::self_test::matrix", 2, 5);
  const Captured captured{
      found.data(), 11, vector, 0.25f, matrix, Captured::Unmanaged(vector.data(), 2), 42.5};
  Kokkos::parallel_for("otfleet::self_test::captures",
                       Kokkos::RangePolicy<DeviceSpace>(DeviceSpace(), 0, 1), captured);
  const auto device = found.download();
  Numbers layout(Captured::layouts);
  captured.write_layout(layout.data());
  const auto begin_of_numbers = device.begin() + Captured::layouts;
  const std::string advice =
      "this compiler lays Kokkos' Views out differently on the device; build Kokkos with "
      "-DKokkos_ENABLE_IMPL_VIEW_LEGACY=ON (Kokkos 4.6 to 4.7), or with another version of it or "
      "of "
      "the compiler";
  checks.push_back({"sizes and offsets of Views in a kernel, in bytes",
                    layout,
                    {device.begin(), begin_of_numbers},
                    0,
                    advice});
  checks.push_back({"numbers and extents that a kernel captures beside Views",
                    {11, 0.25, 42.5, 3, 5, 2},
                    {begin_of_numbers, device.end()},
                    0,
                    advice});
}

void check_sum(std::vector<SelfCheck>& checks) {
  constexpr int count = 10'000;
  double sum = 0;
  Kokkos::parallel_reduce(
      "otfleet::self_test::sum", Kokkos::RangePolicy<DeviceSpace>(DeviceSpace(), 0, count),
      KOKKOS_LAMBDA(int i, double& part) { part += i; }, sum);
  checks.push_back({"a sum", {count * (count - 1) / 2.0}, {sum}, 0, wrong_compiler});
}

void check_scan(std::vector<SelfCheck>& checks) {
  constexpr int count = 5'000;
  const DeviceArray<int> sums("otfleet::self_test::sums", count);
  const auto before = view_of(sums);
  Kokkos::parallel_scan(
      "otfleet::self_test::scan", Kokkos::RangePolicy<DeviceSpace>(DeviceSpace(), 0, count),
      KOKKOS_LAMBDA(int i, int& part, bool last) {
        if (last) before(i) = part;
        part += i % 7;
      });
  const auto device = sums.download();
  Numbers host;
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    host.push_back(sum);
    sum += i % 7;
  }
  checks.push_back({"a prefix sum", host, {device.begin(), device.end()}, 0, wrong_compiler});
}

/// Every team fills an array that its threads share, and each thread reads what others wrote.
void check_teams(std::vector<SelfCheck>& checks) {
  constexpr int teams = 5, count = 300;
  using Shared = Kokkos::View<double*, DeviceSpace::scratch_memory_space,
                              Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
  const DeviceArray<double> sums("otfleet::self_test::team_sums", teams);
  const auto sum = view_of(sums);
  auto policy = team_each(DeviceSpace(), teams);
  policy.set_scratch_size(0, Kokkos::PerTeam(static_cast<int>(Shared::shmem_size(count))));
  Kokkos::parallel_for(
      "otfleet::self_test::teams", policy, KOKKOS_LAMBDA(const Team<DeviceSpace>& team) {
        const Shared shared(team.team_scratch(0), count);
        const int rank = team.league_rank();
        team_for(team, count, [&](int i) { shared(i) = i + rank; });
        const double total =
            team_sum(team, count, [&](int i) { return (i + 1) * shared(count - 1 - i); });
        Kokkos::single(Kokkos::PerTeam(team), [&]() { sum(rank) = total; });
      });
  const auto device = sums.download();
  Numbers host(teams);
  for (int rank = 0; rank < teams; ++rank)
    for (int i = 0; i < count; ++i)
      host[static_cast<std::size_t>(rank)] += (i + 1.0) * (count - 1 - i + rank);
  checks.push_back({"teams with scratch memory", host, device, 0, wrong_compiler});
}

// --- one problem: a ring and a bar on 8 x 8 points, as drawn digits are 0 and 1 ---

constexpr int side = 8, points = side * side;
constexpr double epsilon = 0.05;

struct Drawing {
  Numbers axis, ring, bar;

  Drawing() {
    for (int i = 0; i < side; ++i) axis.push_back(i / (side - 1.0));
    for (int i = 0; i < points; ++i) {
      const int row = i / side, column = i % side;
      const double radius = std::hypot(row - 3.5, column - 3.5);
      ring.push_back(radius > 1.5 && radius < 3.5 ? 1.0 + 0.1 * row : 0.0);
      bar.push_back(column == 3 || column == 4 ? 1.0 + 0.2 * column : 0.0);
    }
    for (auto* weights : {&ring, &bar}) {
      double mass = 0;
      for (const double weight : *weights) mass += weight;
      for (double& weight : *weights) weight /= mass;
    }
  }
};

/// The dual value and the transport cost by Sinkhorn's iteration in plain loops.
Numbers solve_on_host(const Drawing& drawing) {
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  Numbers cost(at(points * points)), gibbs(cost.size()), u(at(points), 1), v(at(points), 1);
  for (int i = 0; i < points; ++i)
    for (int j = 0; j < points; ++j) {
      const double rows = drawing.axis[at(i / side)] - drawing.axis[at(j / side)],
                   columns = drawing.axis[at(i % side)] - drawing.axis[at(j % side)];
      cost[at(i * points + j)] = rows * rows + columns * columns;
      gibbs[at(i * points + j)] = std::exp(-cost[at(i * points + j)] / epsilon);
    }
  for (int iteration = 0; iteration < 300; ++iteration) {
    for (int j = 0; j < points; ++j) {
      double sum = 0;
      for (int i = 0; i < points; ++i)
        if (drawing.ring[at(i)] > 0) sum += gibbs[at(i * points + j)] * u[at(i)];
      v[at(j)] = drawing.bar[at(j)] / sum;
    }
    for (int i = 0; i < points; ++i) {
      double sum = 0;
      for (int j = 0; j < points; ++j) sum += gibbs[at(i * points + j)] * v[at(j)];
      u[at(i)] = drawing.ring[at(i)] / sum;
    }
  }
  double dual = 0, transport = 0;
  for (int i = 0; i < points; ++i) {
    if (drawing.ring[at(i)] > 0) dual += epsilon * std::log(u[at(i)]) * drawing.ring[at(i)];
    if (drawing.bar[at(i)] > 0) dual += epsilon * std::log(v[at(i)]) * drawing.bar[at(i)];
    for (int j = 0; j < points; ++j)
      transport += cost[at(i * points + j)] * u[at(i)] * gibbs[at(i * points + j)] * v[at(j)];
  }
  return {dual, transport};
}

void check_problem(std::vector<SelfCheck>& checks) {
  const Drawing drawing;
  Numbers both = drawing.ring;
  both.insert(both.end(), drawing.bar.begin(), drawing.bar.end());
  const auto measures = Problems::with_table(
      SeparableCost::squared_euclidean_grid({drawing.axis, drawing.axis}), {both, {}}, {});
  const std::vector<std::int32_t> source = {0}, target = {1};
  const auto problem = measures.between(source, target);
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-11;
  settings.inner_iterations = 10;
  const DeviceArray<double> f("otfleet::self_test::f", points), g("otfleet::self_test::g", points);
  const Progress progress(1);
  solve_sinkhorn(problem, settings, Arithmetic::in_double, true, f, progress);
  const CertificateResult found(1);
  certify(problem, epsilon, f, g, found);
  checks.push_back({"dual value and transport cost of a problem on 8 x 8 points",
                    solve_on_host(drawing),
                    {found.dual_value.download()[0], found.transport_cost.download()[0]},
                    1e-9,
                    wrong_compiler});
}

/// So many digits that numbers that differ look different.
std::string exact_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15g", value);
  return text.data();
}

}  // namespace

std::vector<SelfCheck> self_checks() {
  std::vector<SelfCheck> checks;
  check_captures(checks);
  // The rest would only read wild where Views are broken.
  for (const auto& check : checks)
    if (!self_check_fault(check).empty()) return checks;
  check_sum(checks);
  check_scan(checks);
  check_teams(checks);
  check_problem(checks);
  return checks;
}

std::string self_check_fault(const SelfCheck& check) {
  const std::string what = "self-test: " + check.name + ": ";
  const std::string so = "; " + check.advice;
  if (check.host.size() != check.device.size())
    return what + "the host has " + std::to_string(check.host.size()) + " numbers, the device " +
           std::to_string(check.device.size()) + so;
  for (std::size_t k = 0; k < check.host.size(); ++k) {
    const double expected = check.host[k], found = check.device[k];
    if (std::abs(found - expected) <= check.tolerance * std::abs(expected)) continue;
    return what + "number " + std::to_string(k + 1) + " of " + std::to_string(check.host.size()) +
           " is " + exact_text(expected) + " on the host and " + exact_text(found) +
           " on the device" + so;
  }
  return {};
}

std::string self_test_fault() {
  try {
    for (const auto& check : self_checks())
      if (auto fault = self_check_fault(check); !fault.empty()) return fault;
  } catch (const std::exception& error) {
    std::string text = error.what();
    text = text.substr(0, text.find('\n'));
    return "self-test: a kernel failed: " + text + "; " + wrong_compiler;
  }
  return {};
}

}  // namespace otfleet::kernels
