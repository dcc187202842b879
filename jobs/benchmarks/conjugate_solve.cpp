#include <mpi.h>

#include <Kokkos_Core.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/hdf5_file.hpp"
#include "distributed/shard.hpp"
#include "kernels/minimize/conjugate.hpp"
#include "kernels/networks/potential_network.hpp"
#include "src/blas_environment.hpp"
#include "src/reports/versions.hpp"
#include "src/runs/stop_watch.hpp"

// Minimizers of f(x) − <x, y> for a network f and points y of files, each rank its share of the
// points; seconds of every repetition, after one that does not count. Prints JSON, writes x.
//
//   mpirun -n RANKS conjugate_solve NETWORK.h5 POINTS.h5 PRECISION REPEATS OUTPUT.h5
//
// NETWORK.h5: a group /layers/k for each layer, k = 0, 1, …, with those of the datasets hidden
// [out, in], input [out, D], quadratic [out R, D] and bias [out] that it has, and the attribute
// activation; attribute half_square of the file (see PotentialNetwork). POINTS.h5: /y [B, D].
// OUTPUT.h5: /x [B, D]. PRECISION: float, double, or mixed (float first, double in the end). Starts
// are x = y; memory 10, at most 100 steps, tolerance 1e-3.

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Hdf5File;
using distributed::Reduction;
using distributed::Shard;
using Space = Kokkos::DefaultExecutionSpace;
template <class Scalar>
using Matrix = kernels::Matrix<Scalar, Space>;

template <class Scalar>
Matrix<Scalar> upload(const std::vector<double>& values, std::size_t rows) {
  const std::size_t columns = rows == 0 ? 0 : values.size() / rows;
  const Matrix<Scalar> matrix("otfleet::benchmark::values", rows, columns);
  const auto host = Kokkos::create_mirror_view(matrix);
  for (std::size_t k = 0; k < values.size(); ++k)
    host(k / columns, k % columns) = static_cast<Scalar>(values[k]);
  Kokkos::deep_copy(matrix, host);
  return matrix;
}

template <class Scalar>
kernels::PotentialNetwork<Space, Scalar> read_network(const std::string& path) {
  const auto file = Hdf5File::open(path);
  const auto read = [&](const std::string& name) {
    if (!file.has(name)) return Matrix<Scalar>();
    return upload<Scalar>(file.read<double>(name),
                          static_cast<std::size_t>(file.info(name).shape.at(0)));
  };
  kernels::PotentialNetwork<Space, Scalar> network;
  network.half_square = file.number_attribute("/", "half_square").value_or(0);
  for (int k = 0; file.has("/layers/" + std::to_string(k)); ++k) {
    const std::string group = "/layers/" + std::to_string(k);
    kernels::PotentialLayer<Space, Scalar> layer;
    layer.hidden = read(group + "/hidden");
    layer.input = read(group + "/input");
    layer.quadratic = read(group + "/quadratic");
    if (const auto bias = read(group + "/bias"); bias.extent(0) > 0) {
      const kernels::Vector<Scalar, Space> numbers("otfleet::benchmark::bias", bias.extent(0));
      Kokkos::deep_copy(numbers, Kokkos::subview(bias, Kokkos::ALL, 0));
      layer.bias = numbers;
    }
    layer.activation =
        kernels::activation_of(file.string_attribute(group, "activation").value_or("softplus"));
    network.layers.push_back(layer);
  }
  return network;
}

template <class Scalar, bool mixed>
nlohmann::json solve(const Communicator& communicator, const std::string& network_path,
                     const std::string& points_path, int repeats, const std::string& output) {
  const auto points_file = Hdf5File::open(points_path);
  const auto shape = points_file.info("/y").shape;
  const auto dimension = static_cast<std::size_t>(shape.at(1));
  const Shard rows = distributed::block_shard(shape[0], communicator.rank(), communicator.size());
  const auto count = static_cast<std::size_t>(rows.size());
  std::vector<double> values(count * dimension);
  points_file.read_rows<double>("/y", rows, values);
  const auto y = upload<Scalar>(values, count);
  const Matrix<Scalar> x("otfleet::benchmark::x", count, dimension);
  const int points = static_cast<int>(count), d = static_cast<int>(dimension);
  kernels::NetworkOracle<Space, Scalar> oracle(read_network<Scalar>(network_path), points);
  const kernels::Conjugates<Space, Scalar> result(count);
  std::function<void()> minimize;
  if constexpr (mixed) {
    using Rough = kernels::NetworkOracle<Space, float>;
    const auto rough = std::make_shared<Rough>(read_network<float>(network_path), points);
    const auto solver =
        std::make_shared<kernels::MixedLbfgs<Space>>(kernels::LbfgsSettings(), points, d);
    minimize = [&, rough, solver] { solver->minimize(Space(), *rough, oracle, y, x, result); };
  } else {
    using Solver = kernels::Lbfgs<Space, Scalar>;
    const auto solver = std::make_shared<Solver>(kernels::LbfgsSettings(), points, d);
    minimize = [&, solver] { solver->minimize(Space(), oracle, y, x, result); };
  }
  std::vector<double> seconds;
  for (int k = 0; k <= repeats; ++k) {
    Kokkos::deep_copy(x, y);
    communicator.barrier();
    double taken = 0;
    {
      const StopWatch watch(taken);
      minimize();
    }
    taken = communicator.all_reduce(taken, Reduction::max);
    if (k > 0) seconds.push_back(taken);
  }

  const auto minimizers = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  for (std::size_t k = 0; k < values.size(); ++k)
    values[k] = static_cast<double>(minimizers(k / dimension, k % dimension));
  auto file = Hdf5File::create(output, communicator);
  file.create_dataset<double>("/x", shape);
  file.write_rows<double>("/x", rows, values);
  file.close();
  const auto mean = [&](const auto& numbers) {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), numbers);
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) sum += host(k);
    return communicator.all_reduce(sum, Reduction::sum) / static_cast<double>(shape[0]);
  };
  return {{"benchmark", "conjugate_solve"},
          {"ranks", communicator.size()},
          {"points", shape[0]},
          {"seconds", seconds},
          {"mean_steps", mean(result.steps)},
          {"mean_evaluations", mean(result.evaluations)},
          {"revision", revision()},
          {"versions", versions()}};
}

}  // namespace
}  // namespace otfleet

int main(int argc, char** argv) {
  otfleet::prepare_blas_environment(argv);
  MPI_Init(&argc, &argv);
  int code = 0;
  {
    const Kokkos::ScopeGuard kokkos(argc, argv);
    const auto world = otfleet::distributed::Communicator::world();
    const std::string precision = argc == 6 ? argv[3] : "";
    const int repeats = argc == 6 ? std::atoi(argv[4]) : 0;
    if ((precision != "float" && precision != "double" && precision != "mixed") || repeats < 1) {
      if (world.is_root())
        std::cerr << "usage: conjugate_solve NETWORK.h5 POINTS.h5 PRECISION REPEATS OUTPUT.h5\n";
      code = 2;
    } else {
      try {
        const auto solve = precision == "float"    ? otfleet::solve<float, false>
                           : precision == "double" ? otfleet::solve<double, false>
                                                   : otfleet::solve<double, true>;
        const nlohmann::json report = solve(world, argv[1], argv[2], repeats, argv[5]);
        if (world.is_root()) std::cout << report.dump(2) << "\n";
      } catch (const std::exception& error) {
        std::cerr << "conjugate_solve: " << error.what() << "\n";
        MPI_Abort(MPI_COMM_WORLD, 1);
      }
    }
  }
  MPI_Finalize();
  return code;
}
