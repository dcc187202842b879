#include "kernels/device_array.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

#include "kernels/device_views.hpp"

namespace otfleet {
namespace {

template <class T>
class DeviceArrays : public ::testing::Test {};
using Types = ::testing::Types<float, double, int, std::int64_t>;
TYPED_TEST_SUITE(DeviceArrays, Types);

template <class T>
std::vector<T> count_up(std::size_t count) {
  std::vector<T> result(count);
  std::iota(result.begin(), result.end(), T(1));
  return result;
}

TYPED_TEST(DeviceArrays, TravelThereAndBack) {
  const auto values = count_up<TypeParam>(12);
  const DeviceArray<TypeParam, 2> array("otfleet::test::array", 3, 4);
  EXPECT_EQ(array.download(), std::vector<TypeParam>(12, 0));
  array.upload(std::span<const TypeParam>(values));
  EXPECT_EQ(array.download(), values);
  EXPECT_EQ(upload<TypeParam>("otfleet::test::array", values, 3, 4).download(), values);
  const auto host = array.host();
  EXPECT_EQ(std::vector<TypeParam>(host.begin(), host.end()), values);
  array.fill(7);
  EXPECT_EQ(array.download(), std::vector<TypeParam>(12, 7));
}

TYPED_TEST(DeviceArrays, MirrorsWriteWhatTheyWereGiven) {
  const auto values = count_up<TypeParam>(6);
  const DeviceArray<TypeParam> array(uninitialized, "otfleet::test::array", 6);
  for (const auto& host : {array.mirror(), array.staging()}) {
    array.fill(7);
    std::copy(values.begin(), values.end(), host.begin());
    array.upload(host);
    EXPECT_EQ(array.download(), values);
  }
}

TEST(DeviceArray, PartsShareTheElementsAndKeepThem) {
  DeviceArray<const double> second;
  {
    const auto values = count_up<double>(12);
    const auto array = upload<double>("otfleet::test::array", values, 3, 4);
    array.rows(2, 3).fill(-1);
    second = array.row(1);
    EXPECT_EQ(array.reshaped(2, 6).row(1).download(), (std::vector<double>{7, 8, -1, -1, -1, -1}));
    EXPECT_EQ(array.flat().extent(0), 12u);
    EXPECT_EQ(array.rows(3, 3).size(), 0u);
    EXPECT_THROW(array.rows(2, 4), std::invalid_argument);
    EXPECT_THROW(array.reshaped(5), std::invalid_argument);
  }
  EXPECT_EQ(second.download(), (std::vector<double>{5, 6, 7, 8}));
}

TEST(DeviceArray, CopiesConvertAndRefuseOtherSizes) {
  const std::vector<double> values = {0.1, 1e300, -2};
  const auto array = upload<double>("otfleet::test::array", values);
  const DeviceArray<float> narrow("otfleet::test::narrow", 3);
  narrow.copy_from(array);
  EXPECT_EQ(narrow.download(), (std::vector<float>{0.1f, INFINITY, -2}));
  const DeviceArray<double> wide("otfleet::test::wide", 3);
  wide.copy_from(DeviceArray<const float>(narrow));
  EXPECT_EQ(wide.download(), (std::vector<double>{double(0.1f), INFINITY, -2}));
  wide.copy_from(array);
  EXPECT_EQ(wide.download(), values);

  const DeviceArray<double> two("otfleet::test::two", 2);
  EXPECT_THROW(two.copy_from(array), std::invalid_argument);
  EXPECT_THROW(two.upload(std::span<const double>(values)), std::invalid_argument);
}

TEST(DeviceArray, EmptyOnesDoNothing) {
  const DeviceArray<double, 2> none, no_rows("otfleet::test::none", 0, 5);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.rows(0, 0).size(), 0u);
  EXPECT_EQ(no_rows.extent(1), 5u);
  no_rows.fill(1);
  no_rows.upload(std::span<const double>());
  EXPECT_TRUE(no_rows.download().empty());
}

TEST(DeviceArray, ViewsShareTheElements) {
  const auto values = count_up<double>(12);
  const auto array = upload<double>("otfleet::test::array", values, 3, 4);
  const auto view = kernels::view_of(array);
  EXPECT_EQ(view.data(), array.data());
  EXPECT_EQ(view.extent(0), 3u);
  EXPECT_EQ(view.extent(1), 4u);

  DeviceArray<double, 2> kept;
  {
    const kernels::Matrix<double, kernels::DeviceSpace> matrix("otfleet::test::matrix", 2, 3);
    Kokkos::deep_copy(matrix, 4.0);
    kept = kernels::array_of(matrix);
    EXPECT_EQ(kept.data(), matrix.data());
  }
  EXPECT_EQ(kept.download(), std::vector<double>(6, 4));
}

TEST(DeviceArray, ViewsWithGapsAreRefused) {
  const kernels::Matrix<double, kernels::DeviceSpace> matrix("otfleet::test::matrix", 4, 3);
  EXPECT_THROW(kernels::array_of(Kokkos::subview(matrix, Kokkos::ALL, 1)), std::invalid_argument);
  EXPECT_THROW(kernels::array_of(Kokkos::subview(matrix, Kokkos::ALL, std::pair(0, 2))),
               std::invalid_argument);
  const auto rows = kernels::array_of(Kokkos::subview(matrix, std::pair(1, 3), Kokkos::ALL));
  EXPECT_EQ(rows.extent(0), 2u);
  EXPECT_EQ(rows.data(), matrix.data() + 3);
}

}  // namespace
}  // namespace otfleet
