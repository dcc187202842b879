#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "jobs/benchmarks/peak_memory.hpp"
#include "kernels/api/outputs.hpp"
#include "kernels/api/solvers.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/runtime.hpp"
#include "src/families/linear/sharded_cloud_solver.hpp"
#include "src/reports/versions.hpp"
#include "src/runs/stop_watch.hpp"

// One problem between two large clouds in two or three dimensions, squared Euclidean cost: the
// multiscale solver, or the plain one, to an L1 error, and its certificate. Then a judge that
// shares no code with either: loops over all pairs of a share of the rows, and of a tenth of it of
// the columns, in double. Prints JSON.
//
//   mpirun -n RANKS multiscale_benchmark SHAPE POINTS EPSILON THRESHOLD multiscale|sinkhorn
//       float|double [JUDGED_SHARE]
//
// SHAPE: square, cube (uniform), spheres (on two surfaces), dense (nine tenths of either cloud in a
// hundredth of the cube, not the same one). Every point is drawn on its own, by every rank alike.

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Reduction;
using distributed::Shard;

int dimension_of(const std::string& shape) {
  return shape == "square" ? 2 : 3;
}

/// The points `rows` of a cloud.
std::vector<double> draw_points(const std::string& shape, bool source, Shard rows) {
  const int d = dimension_of(shape);
  const kernels::CounterRandom random(11, source ? 0 : 1);
  std::vector<double> points;
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    const auto draw = [&](int k) { return random.uniform(static_cast<std::uint64_t>(8 * i + k)); };
    double x[3] = {draw(0), draw(1), draw(2)};
    if (shape == "spheres") {
      const double z = 2 * x[0] - 1, angle = 2 * M_PI * x[1], around = std::sqrt(1 - z * z),
                   radius = source ? 0.5 : 0.4;
      x[0] = 0.5 + radius * around * std::cos(angle);
      x[1] = 0.5 + radius * around * std::sin(angle);
      x[2] = 0.5 + radius * z;
    }
    if (shape == "dense" && draw(3) < 0.9)
      for (double& c : x) c = (source ? 0.5 : 0.3) + std::cbrt(0.01) * c;
    points.insert(points.end(), x, x + d);
  }
  return points;
}

/// Σ_k exp((own + others_k − |x − y_k|²)/epsilon) for one point x and all y, stored by coordinate.
double sum_of_plan(const double* x, int d, double own, const std::vector<std::vector<float>>& y,
                   const std::vector<double>& others, double epsilon) {
  constexpr std::size_t block = 16;
  // A million of these are 1e-8 of a row of 1e-6.
  constexpr double nothing = -46;
  double sum = 0;
  for (std::size_t begin = 0; begin < others.size(); begin += block) {
    const std::size_t count = std::min(block, others.size() - begin);
    double exponent[block];
    for (std::size_t k = 0; k < count; ++k) exponent[k] = own + others[begin + k];
    for (int c = 0; c < d; ++c)
      for (std::size_t k = 0; k < count; ++k) {
        const double apart = x[c] - static_cast<double>(y[static_cast<std::size_t>(c)][begin + k]);
        exponent[k] -= apart * apart;
      }
    int seen = 0;
    for (std::size_t k = 0; k < count; ++k) seen += exponent[k] > nothing * epsilon;
    if (seen == 0) continue;
    for (std::size_t k = 0; k < count; ++k)
      if (exponent[k] > nothing * epsilon) sum += std::exp(exponent[k] / epsilon);
  }
  return sum;
}

/// Columns are b by the choice of g: a tenth of the share is enough to see that.
constexpr double judged_columns = 0.1;

/// The L1 error of one marginal from a share of its points; collective. f and g of all points.
double judge(const Communicator& communicator, const std::string& shape, bool rows, double share,
             const std::vector<double>& f, const std::vector<double>& g, double epsilon) {
  const int d = dimension_of(shape);
  const auto& own = rows ? f : g;
  const auto& others = rows ? g : f;
  const auto n = static_cast<std::int64_t>(own.size()),
             m = static_cast<std::int64_t>(others.size());
  const auto y = draw_points(shape, !rows, {0, m});
  std::vector<std::vector<float>> by_coordinate(static_cast<std::size_t>(d));
  for (std::size_t k = 0; k < y.size(); ++k)
    by_coordinate[k % static_cast<std::size_t>(d)].push_back(static_cast<float>(y[k]));
  const kernels::CounterRandom random(12, rows ? 0 : 1);
  double error = 0, looked_at = 0;
  const Shard part = distributed::block_shard(n, communicator.rank(), communicator.size());
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    if (random.uniform(static_cast<std::uint64_t>(i)) >= share) continue;
    const auto x = draw_points(shape, rows, {i, i + 1});
    const double sum =
        sum_of_plan(x.data(), d, own[static_cast<std::size_t>(i)], by_coordinate, others, epsilon);
    error += std::abs(sum - 1.0 / static_cast<double>(n));
    ++looked_at;
  }
  double sums[] = {error, looked_at};
  communicator.all_reduce(std::span<double>(sums), Reduction::sum);
  return sums[1] > 0 ? sums[0] / sums[1] * static_cast<double>(n) : 0.0;
}

/// The values of all ranks, each at its place.
std::vector<double> whole(const Communicator& communicator, const DeviceArray<double>& part,
                          Shard rows, std::int64_t count) {
  std::vector<double> all(static_cast<std::size_t>(count), 0.0);
  const auto own = part.download();
  std::copy(own.begin(), own.end(), all.begin() + rows.begin);
  communicator.all_reduce(std::span<double>(all), Reduction::sum);
  return all;
}

double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void run(const Communicator& communicator, const std::string& shape, std::int64_t points,
         double epsilon, double threshold, bool coarsens, bool in_float, double judged_share) {
  const int d = dimension_of(shape);
  const Shard rows = distributed::block_shard(points, communicator.rank(), communicator.size());
  const auto x = draw_points(shape, true, rows), y = draw_points(shape, false, rows);
  const std::vector<double> weights(static_cast<std::size_t>(rows.size()),
                                    1.0 / static_cast<double>(points));
  RingCommunicator ring(communicator);
  const auto problem = kernels::Problems::distributed(
      ring, kernels::SquaredEuclideanCost(), d, {weights, x, rows.begin}, {weights, y, rows.begin});
  kernels::MultiscaleSettings settings;
  settings.sinkhorn.epsilon = epsilon;
  settings.sinkhorn.threshold = threshold;
  settings.sinkhorn.acceleration = kernels::Acceleration::momentum;
  const auto arithmetic = in_float ? kernels::Arithmetic::in_float : kernels::Arithmetic::in_double;
  const DeviceArray<double> f("otfleet::benchmark::f", weights.size()),
      g("otfleet::benchmark::g", weights.size());
  const kernels::Progress progress(1);
  const kernels::CertificateResult found(1);
  nlohmann::json timed = nlohmann::json::object();
  const auto measure = [&](const char* name, const auto& work) {
    communicator.barrier();
    double seconds = 0;
    const double before = processor_seconds();
    {
      const StopWatch watch(seconds);
      work();
    }
    timed[name] = {{"seconds", communicator.all_reduce(seconds, Reduction::max)},
                   {"processor_seconds",
                    communicator.all_reduce(processor_seconds() - before, Reduction::sum)}};
  };
  measure("solve", [&] {
    if (coarsens)
      kernels::solve_multiscale(problem, settings, arithmetic, true, f, progress);
    else
      kernels::solve_sinkhorn(problem, settings.sinkhorn, arithmetic, true, f, progress);
  });
  measure("certify", [&] {
    kernels::certify(problem, epsilon, f, g, found, coarsens ? settings.certified_left_out() : 0.0);
  });
  const double peak = communicator.all_reduce(peak_memory(), Reduction::max);
  double row_error = 0, column_error = 0;
  if (judged_share > 0) {
    const auto all_f = whole(communicator, f, rows, points),
               all_g = whole(communicator, g, rows, points);
    measure("judge", [&] {
      row_error = judge(communicator, shape, true, judged_share, all_f, all_g, epsilon);
      column_error =
          judge(communicator, shape, false, judged_columns * judged_share, all_f, all_g, epsilon);
    });
  }
  if (!communicator.is_root()) return;
  const auto number = [](const auto& values) { return values.download().front(); };
  nlohmann::json result = {{"benchmark", "multiscale_benchmark"},
                           {"ranks", communicator.size()},
                           {"shape", shape},
                           {"points", points},
                           {"epsilon", epsilon},
                           {"threshold", threshold},
                           {"method", coarsens ? "multiscale" : "sinkhorn"},
                           {"precision", in_float ? "float" : "double"},
                           {"status", number(progress.status)},
                           {"iterations", number(progress.iterations)},
                           {"marginal_error", number(found.marginal_error)},
                           {"left_out", number(found.left_out)},
                           {"dual_value", number(found.dual_value)},
                           {"lower_bound", number(found.lower_bound)},
                           {"transport_cost", number(found.transport_cost)},
                           {"upper_bound", number(found.upper_bound)},
                           {"peak_mib_of_a_rank", peak},
                           {"timed", timed},
                           {"revision", revision()},
                           {"versions", versions()}};
  if (judged_share > 0)
    result["judged"] = {{"share_of_rows", judged_share},
                        {"row_error", row_error},
                        {"share_of_columns", judged_columns * judged_share},
                        {"column_error", column_error}};
  std::cout << result.dump(2) << "\n";
}

}  // namespace
}  // namespace otfleet

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int code = 0;
  {
    const otfleet::kernels::Runtime runtime(argc, argv);
    const auto world = otfleet::distributed::Communicator::world();
    const auto word = [&](int at) { return std::string(at < argc ? argv[at] : ""); };
    const auto number = [&](int at) { return std::atof(word(at).c_str()); };
    const auto is_one_of = [&](int at, std::vector<std::string> words) {
      return std::find(words.begin(), words.end(), word(at)) != words.end();
    };
    if (argc < 7 || argc > 8 || !is_one_of(1, {"square", "cube", "spheres", "dense"}) ||
        !(number(2) >= 1) || !(number(3) > 0) || !(number(4) > 0) ||
        !is_one_of(5, {"multiscale", "sinkhorn"}) || !is_one_of(6, {"float", "double"}) ||
        !(number(7) >= 0 && number(7) <= 1)) {
      if (world.is_root())
        std::cerr
            << "usage: multiscale_benchmark square|cube|spheres|dense POINTS EPSILON THRESHOLD "
               "multiscale|sinkhorn float|double [JUDGED_SHARE]\n";
      code = 2;
    } else {
      try {
        otfleet::run(world, word(1), static_cast<std::int64_t>(number(2)), number(3), number(4),
                     word(5) == "multiscale", word(6) == "float", number(7));
      } catch (const std::exception& error) {
        std::cerr << "multiscale_benchmark: " << error.what() << "\n";
        MPI_Abort(MPI_COMM_WORLD, 1);
      }
    }
  }
  MPI_Finalize();
  return code;
}
