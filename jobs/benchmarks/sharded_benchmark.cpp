#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "distributed/temporary_file.hpp"
#include "jobs/benchmarks/peak_memory.hpp"
#include "kernels/api/outputs.hpp"
#include "kernels/api/solvers.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/runtime.hpp"
#include "src/families/linear/sharded_cloud_solver.hpp"
#include "src/populations/cloud_population_rows.hpp"
#include "src/reports/versions.hpp"
#include "src/runs/stop_watch.hpp"

// One problem between two clouds, solved by all ranks together: seconds of a plain Sinkhorn
// iteration, and memory of a rank above what the program takes without a problem. Prints JSON.
//
//   mpirun -n RANKS sharded_benchmark POINTS DIMENSION ITERATIONS float|double [certify]
//
// POINTS on either side. The points are drawn and written by all ranks, each its rows, to a file in
// the folder for temporary files: no rank ever has all of them.

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Hdf5File;
using distributed::Reduction;
using distributed::Shard;

void write_population(const std::filesystem::path& path, const Communicator& communicator,
                      std::int64_t points, std::int64_t dimension) {
  constexpr std::int64_t most_rows = 4096;  // in memory
  auto file = Hdf5File::create(path, communicator);
  file.create_group("/geometry");
  file.set_attribute("/geometry", "kind", std::string("clouds"));
  file.set_attribute("/geometry", "cost", std::string("squared_euclidean"));
  file.write<std::int32_t>("/problems/source", {1}, std::vector<std::int32_t>{0});
  file.write<std::int32_t>("/problems/target", {1}, std::vector<std::int32_t>{0});
  const Shard share = distributed::block_shard(points, communicator.rank(), communicator.size());
  const auto writes = (communicator.all_reduce(share.size(), Reduction::max) - 1) / most_rows + 1;
  for (const std::string side : {"source_", "target_"}) {
    const std::string prefix = "/measures/" + side;
    file.write<std::int64_t>(prefix + "offsets", {2}, std::vector<std::int64_t>{0, points});
    file.create_dataset<double>(prefix + "weights", {points});
    file.create_dataset<double>(prefix + "points", {points, dimension});
    const kernels::CounterRandom random(11, side == "source_" ? 0 : 1);
    for (std::int64_t w = 0; w < writes; ++w) {
      const auto at = [&](std::int64_t row) { return std::min(share.begin + row, share.end); };
      const Shard rows{at(w * most_rows), at((w + 1) * most_rows)};
      const std::vector<double> weights(static_cast<std::size_t>(rows.size()),
                                        1.0 / static_cast<double>(points));
      std::vector<double> coordinates;
      for (auto k = rows.begin * dimension; k < rows.end * dimension; ++k)
        coordinates.push_back((random.uniform(static_cast<std::uint64_t>(k)) - 0.5) /
                              std::sqrt(static_cast<double>(dimension)));
      file.write_rows<double>(prefix + "weights", rows, weights);
      file.write_rows<double>(prefix + "points", rows, coordinates);
    }
  }
  file.close();
}

std::vector<double> of_ranks(const Communicator& communicator, double value) {
  return communicator.gather(std::span<const double>(&value, 1));
}

void run(const Communicator& communicator, std::int64_t points, std::int64_t dimension,
         int iterations, bool in_float, bool certify) {
  constexpr double epsilon = 0.05;
  std::optional<distributed::TemporaryFile> file;
  if (communicator.is_root())
    file.emplace(std::filesystem::temp_directory_path() /
                 ("otfleet-sharded-benchmark." + std::to_string(getpid()) + ".h5"));
  const std::filesystem::path path =
      communicator.broadcast(file ? file->path().string() : std::string());
  write_population(path, communicator, points, dimension);
  communicator.barrier();
  const double base = peak_memory();

  const CloudPopulationRows population(path, communicator);
  ShardedCloudSolver solver(population, epsilon, communicator);
  const auto spread = solver.load(0);
  kernels::SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-30;
  settings.max_iterations = settings.inner_iterations = iterations;
  const DeviceArray<double> f("otfleet::benchmark::f", spread.sources.size());
  const DeviceArray<double> g("otfleet::benchmark::g", spread.targets.size());
  const kernels::Progress progress(1);
  communicator.barrier();
  double seconds = 0, certify_seconds = 0;
  {
    const StopWatch watch(seconds);
    const auto arithmetic =
        in_float ? kernels::Arithmetic::in_float : kernels::Arithmetic::in_double;
    kernels::solve_sinkhorn(spread.problem, settings, arithmetic, true, f, progress);
  }
  const double waiting = solver.wait_seconds();
  const kernels::CertificateResult certificates(1);
  if (certify) {
    const StopWatch watch(certify_seconds);
    kernels::certify(spread.problem, epsilon, f, g, certificates);
  }
  const double error = certificates.marginal_error.download().front();

  // The first look takes two passes over the pairs more than an iteration, for the shifts.
  const double passes = 2.0 * (iterations + 2);
  const double all_pairs = static_cast<double>(points) * static_cast<double>(points);
  seconds = communicator.all_reduce(seconds, Reduction::max);
  const double peak = peak_memory();
  const auto peaks = of_ranks(communicator, peak), above = of_ranks(communicator, peak - base);
  const auto waits = of_ranks(communicator, waiting / seconds);
  if (!communicator.is_root()) return;
  nlohmann::json result = {{"benchmark", "sharded_benchmark"},
                           {"ranks", communicator.size()},
                           {"points", points},
                           {"dimension", dimension},
                           {"precision", in_float ? "float" : "double"},
                           {"iterations", iterations},
                           {"seconds_per_iteration", 2 * seconds / passes},
                           {"pairs_per_second", passes * all_pairs / seconds},
                           {"waiting_share", waits},
                           {"peak_mib", peaks},
                           {"mib_above_base", above},
                           {"revision", revision()},
                           {"versions", versions()}};
  if (certify) result["certify"] = {{"seconds", certify_seconds}, {"marginal_error", error}};
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
    const std::string precision = argc > 4 ? argv[4] : "";
    const bool certify = argc == 6 && std::string(argv[5]) == "certify";
    const auto number = [&](int at) { return at < argc ? std::atoll(argv[at]) : 0; };
    if (argc < 5 || argc > 6 || (argc == 6 && !certify) || number(1) < 1 || number(2) < 1 ||
        number(3) < 1 || (precision != "float" && precision != "double")) {
      if (world.is_root())
        std::cerr
            << "usage: sharded_benchmark POINTS DIMENSION ITERATIONS float|double [certify]\n";
      code = 2;
    } else {
      try {
        otfleet::run(world, number(1), number(2), static_cast<int>(number(3)), precision == "float",
                     certify);
      } catch (const std::exception& error) {
        std::cerr << "sharded_benchmark: " << error.what() << "\n";
        MPI_Abort(MPI_COMM_WORLD, 1);
      }
    }
  }
  MPI_Finalize();
  return code;
}
