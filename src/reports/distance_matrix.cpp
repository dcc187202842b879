#include "src/reports/distance_matrix.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"

namespace otfleet {
namespace {

using distributed::FileMark;
using distributed::Hdf5File;
using distributed::StagedPath;

/// More take seconds to compare point by point.
constexpr std::int64_t most_compared = 2'000;

/// NumPy's format 1.0: a header that is a multiple of 64 bytes long, then the numbers.
void write_npy(const std::filesystem::path& path, const DistanceMatrix& matrix) {
  StagedPath staged(path, FileMark::name("distance matrix"));
  std::ofstream stream(staged.temporary(), std::ios::binary);
  std::string header = fmt::format(
      "{{'descr': '<f8', 'fortran_order': False, 'shape': ({0}, {0})}}", matrix.measures);
  constexpr std::size_t before = 10, alignment = 64;
  header.resize((before + header.size() + alignment) / alignment * alignment - before, ' ');
  header.back() = '\n';
  const char length[2] = {static_cast<char>(header.size() & 0xff),
                          static_cast<char>(header.size() >> 8)};
  stream.write("\x93NUMPY\x01\x00", 8).write(length, 2);
  stream << header;
  stream.write(reinterpret_cast<const char*>(matrix.values.data()),
               static_cast<std::streamsize>(matrix.values.size() * sizeof(double)));
  stream.close();
  if (!stream) throw UserError(path.string() + ": cannot be written");
  staged.commit();
}

/// The column times a vector, both centered: −½ J D J x.
void apply_centered(const DistanceMatrix& squared, std::vector<double>& x) {
  const auto count = static_cast<std::size_t>(squared.measures);
  const auto center = [&](std::vector<double>& values) {
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(count);
    for (double& value : values) value -= mean;
  };
  center(x);
  std::vector<double> product(count, 0.0);
  for (std::size_t i = 0; i < count; ++i) {
    const double* const row = squared.values.data() + i * count;
    double sum = 0;
    for (std::size_t j = 0; j < count; ++j) sum += row[j] * x[j];
    product[i] = -0.5 * sum;
  }
  center(product);
  x = std::move(product);
}

double inner(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// Makes x orthogonal to y (of length 1, or empty) and of length 1; returns its length before.
double normalize(std::vector<double>& x, const std::vector<double>& y) {
  if (!y.empty()) {
    const double along = inner(x, y);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= along * y[i];
  }
  const double length = std::sqrt(inner(x, x));
  if (length > 0)
    for (double& value : x) value /= length;
  return length;
}

}  // namespace

std::int64_t measures_of_all_pairs(const Hdf5File& solution, std::int64_t most) {
  for (const char* needed : {"/problems/source", "/problems/target", "/solution/transport_cost"})
    if (!solution.has(needed)) return 0;
  const auto shape = solution.info("/problems/source").shape;
  if (shape.size() != 1 || shape[0] < 1) return 0;
  const auto measures =
      static_cast<std::int64_t>(std::lround((1 + std::sqrt(1 + 8.0 * shape[0])) / 2));
  if (measures * (measures - 1) / 2 != shape[0] || measures > most) return 0;
  const auto source = read_integers(solution, "/problems/source");
  const auto target = read_integers(solution, "/problems/target");
  std::vector<bool> seen(static_cast<std::size_t>(measures * measures), false);
  for (std::size_t k = 0; k < source.size(); ++k) {
    const auto low = std::min(source[k], target[k]), high = std::max(source[k], target[k]);
    if (low < 0 || low == high || high >= measures) return 0;
    const auto at = static_cast<std::size_t>(low * measures + high);
    if (seen[at]) return 0;
    seen[at] = true;
  }
  return measures;
}

DistanceMatrix read_matrix(const Hdf5File& solution, const std::string& column,
                           std::int64_t measures) {
  DistanceMatrix matrix{measures,
                        std::vector<double>(static_cast<std::size_t>(measures * measures), 0.0)};
  const auto source = read_integers(solution, "/problems/source");
  const auto target = read_integers(solution, "/problems/target");
  const auto values = solution.read<double>("/solution/" + column);
  for (std::size_t k = 0; k < values.size(); ++k)
    matrix.values[static_cast<std::size_t>(source[k] * measures + target[k])] =
        matrix.values[static_cast<std::size_t>(target[k] * measures + source[k])] = values[k];
  return matrix;
}

DistanceMatrix squared_euclidean_matrix(std::span<const double> weights, std::int64_t measures) {
  const auto count = static_cast<std::size_t>(measures), points = weights.size() / count;
  DistanceMatrix matrix{measures, std::vector<double>(count * count, 0.0)};
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double sum = 0;
      for (std::size_t p = 0; p < points; ++p) {
        const double gap = weights[i * points + p] - weights[j * points + p];
        sum += gap * gap;
      }
      matrix.values[i * count + j] = matrix.values[j * count + i] = sum;
    }
  return matrix;
}

double nearest_neighbor_accuracy(const DistanceMatrix& distances,
                                 std::span<const std::int64_t> labels) {
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < distances.measures; ++i) {
    std::int64_t nearest = i == 0 ? 1 : 0;
    for (std::int64_t j = 0; j < distances.measures; ++j)
      if (j != i && distances(i, j) < distances(i, nearest)) nearest = j;
    right += labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(nearest)];
  }
  return static_cast<double>(right) / static_cast<double>(distances.measures);
}

std::vector<double> classical_scaling(const DistanceMatrix& squared_distances) {
  constexpr int most_steps = 1000;
  constexpr double tolerance = 1e-6;  // of an eigenvector: nobody sees less in a picture
  const auto count = static_cast<std::size_t>(squared_distances.measures);
  std::vector<double> points(2 * count, 0.0);
  std::vector<double> axes[2];
  for (int d = 0; d < 2; ++d) {
    auto& axis = axes[d];
    const std::vector<double> none;
    const auto& other = d == 0 ? none : axes[0];
    axis.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      axis[i] = std::cos(static_cast<double>((d + 1) * (i + 1)));  // any start that is not special
    normalize(axis, other);
    double value = 0;
    for (int step = 0; step < most_steps; ++step) {
      auto next = axis;
      apply_centered(squared_distances, next);
      value = inner(next, axis);
      if (!(normalize(next, other) > 0)) break;
      double change = 0;
      const double sign = value < 0 ? -1.0 : 1.0;
      for (std::size_t i = 0; i < count; ++i)
        change = std::max(change, std::abs(next[i] - sign * axis[i]));
      axis = std::move(next);
      if (change < tolerance) break;
    }
    // A negative eigenvalue is no distance in a plane.
    const double scale = std::sqrt(std::max(value, 0.0));
    for (std::size_t i = 0; i < count; ++i) points[2 * i + d] = scale * axis[i];
  }
  return points;
}

bool write_matrix(const Hdf5File& solution, const std::filesystem::path& folder) {
  const auto measures = measures_of_all_pairs(solution);
  if (measures == 0) return false;
  StagedPath staged(folder / matrix_name, FileMark::hdf5(matrix_kind));
  auto file = Hdf5File::create(staged.temporary());
  file.set_attribute("/", distributed::kind_attribute, std::string(matrix_kind));
  file.create_group("/matrix");
  for (const char* column : {"transport_cost", "lower_bound", "upper_bound"}) {
    if (!solution.has(std::string("/solution/") + column)) continue;
    const auto matrix = read_matrix(solution, column, measures);
    file.write<double>(std::string("/matrix/") + column, {measures, measures}, matrix.values);
    if (column == std::string("transport_cost")) write_npy(folder / npy_matrix_name, matrix);
  }
  file.close();
  staged.commit();
  return true;
}

std::optional<NeighborAccuracy> neighbor_accuracy(const Hdf5File& solution,
                                                  const std::filesystem::path& population) {
  const auto measures = measures_of_all_pairs(solution, most_compared);
  if (measures == 0) return std::nullopt;  // of other families the problems may be in any file
  const auto file = Hdf5File::open(population);
  if (!file.has("/measures/labels") || !file.has("/measures/weights")) return std::nullopt;
  const auto labels = read_integers(file, "/measures/labels");
  if (measures < 2 || static_cast<std::int64_t>(labels.size()) != measures) return std::nullopt;
  std::vector<std::int64_t> shape;
  const auto weights = read_numbers(file, "/measures/weights", 2, shape);
  return NeighborAccuracy{
      measures,
      nearest_neighbor_accuracy(read_matrix(solution, "transport_cost", measures), labels),
      nearest_neighbor_accuracy(squared_euclidean_matrix(weights, measures), labels)};
}

}  // namespace otfleet
