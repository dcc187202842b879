#include "src/reports/distance_matrix.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>

#include "src/data/array_file.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

class DistanceMatrixTest : public ::testing::Test {
 protected:
  /// A solution of some pairs whose costs are squared distances of points of the plane.
  std::filesystem::path write(const std::vector<std::int32_t>& source,
                              const std::vector<std::int32_t>& target) const {
    const auto path = folder_.path() / "solution.h5";
    auto file = Hdf5File::create(path);
    file.create_group("/problems");
    file.create_group("/solution");
    const auto count = static_cast<std::int64_t>(source.size());
    file.write<std::int32_t>("/problems/source", {count}, source);
    file.write<std::int32_t>("/problems/target", {count}, target);
    std::vector<double> costs;
    for (std::size_t k = 0; k < source.size(); ++k)
      costs.push_back(
          squared(static_cast<std::size_t>(source[k]), static_cast<std::size_t>(target[k])));
    for (const char* column : {"transport_cost", "lower_bound", "upper_bound"})
      file.write<double>(std::string("/solution/") + column, {count}, costs);
    file.close();
    return path;
  }
  double squared(std::size_t i, std::size_t j) const {
    const double dx = points_[2 * i] - points_[2 * j];
    const double dy = points_[2 * i + 1] - points_[2 * j + 1];
    return dx * dx + dy * dy;
  }

  testing::TemporaryFolder folder_;
  std::vector<double> points_ = {0, 0, 3, 0.5, -1, 2, 5, 5};
  /// All pairs of four measures, one of them turned around, in no order.
  const std::vector<std::int32_t> source_ = {0, 2, 0, 0, 1, 2}, target_ = {1, 1, 3, 2, 3, 3};
};

TEST_F(DistanceMatrixTest, AllPairsAreAMatrix) {
  const auto file = Hdf5File::open(write(source_, target_));
  ASSERT_EQ(measures_of_all_pairs(file), 4);
  const auto matrix = read_matrix(file, "transport_cost", 4);
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t j = 0; j < 4; ++j)
      EXPECT_EQ(matrix(i, j), squared(static_cast<std::size_t>(i), static_cast<std::size_t>(j)));
}

TEST_F(DistanceMatrixTest, OtherPairsAreNone) {
  for (const auto& [source, target] :
       {std::pair{std::vector<std::int32_t>{0, 0, 1}, std::vector<std::int32_t>{1, 2, 0}},  // twice
        std::pair{std::vector<std::int32_t>{0, 0, 1},
                  std::vector<std::int32_t>{1, 2, 1}},  // itself
        std::pair{std::vector<std::int32_t>{0, 0, 1}, std::vector<std::int32_t>{1, 3, 3}},  // of 4
        std::pair{std::vector<std::int32_t>{0, 0}, std::vector<std::int32_t>{1, 2}}})
    EXPECT_EQ(measures_of_all_pairs(Hdf5File::open(write(source, target))), 0);
}

TEST_F(DistanceMatrixTest, NearestNeighborsAndTheirLabels) {
  const auto file = Hdf5File::open(write(source_, target_));
  const auto matrix = read_matrix(file, "transport_cost", 4);
  // Nearest: 0 -> 2, 1 -> 0, 2 -> 0, 3 -> 1.
  const std::vector<std::int64_t> labels = {7, 5, 7, 5};
  EXPECT_DOUBLE_EQ(nearest_neighbor_accuracy(matrix, labels), 0.75);
  const auto euclidean = squared_euclidean_matrix(points_, 4);
  EXPECT_DOUBLE_EQ(nearest_neighbor_accuracy(euclidean, labels), 0.75);
  EXPECT_DOUBLE_EQ(euclidean(3, 1), squared(3, 1));
}

TEST_F(DistanceMatrixTest, ScalingFindsPointsOfThePlaneAgain) {
  const auto file = Hdf5File::open(write(source_, target_));
  const auto places = classical_scaling(read_matrix(file, "transport_cost", 4));
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      const double dx = places[2 * i] - places[2 * j], dy = places[2 * i + 1] - places[2 * j + 1];
      EXPECT_NEAR(dx * dx + dy * dy, squared(i, j), 1e-4);
    }
}

TEST_F(DistanceMatrixTest, BothFilesHoldTheMatrix) {
  ASSERT_TRUE(write_matrix(Hdf5File::open(write(source_, target_)), folder_.path()));
  const auto array = read_array({folder_.path() / npy_matrix_name, ""});
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{4, 4}));
  const auto file = Hdf5File::open(folder_.path() / matrix_name);
  for (const char* name : {"transport_cost", "lower_bound", "upper_bound"})
    EXPECT_EQ(file.read<double>(std::string("/matrix/") + name), array.values);
  EXPECT_EQ(array.values[4 * 3 + 1], squared(3, 1));
  std::ifstream stream(folder_.path() / npy_matrix_name, std::ios::binary);
  std::string head(128, ' ');
  stream.read(head.data(), 128);
  EXPECT_EQ(head.find('\n'), 127u);  // what NumPy calls aligned
}

TEST_F(DistanceMatrixTest, NoMatrixOfOtherPairs) {
  EXPECT_FALSE(write_matrix(Hdf5File::open(write({0, 0}, {1, 2})), folder_.path()));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / matrix_name));
}

}  // namespace
}  // namespace otfleet
