#include "kernels/lanes/extended_range.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace otfleet::kernels {
namespace {

template <class Scalar>
class ExtendedRangeTest : public testing::Test {
 public:
  using Pack = HostPack<Scalar>;
  static constexpr int width = Pack::width;

  static std::vector<Scalar> lanes(const Pack& pack) {
    std::vector<Scalar> values(width);
    pack.store(values.data());
    return values;
  }
  /// Lane e holds first + e · step.
  static Pack iota(Scalar first, Scalar step) {
    Scalar values[width];
    for (int e = 0; e < width; ++e) values[e] = first + step * static_cast<Scalar>(e);
    return Pack::load(values);
  }
};

using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(ExtendedRangeTest, Scalars);

TYPED_TEST(ExtendedRangeTest, powers_of_two_are_exact_and_end_in_zero) {
  using Limits = std::numeric_limits<TypeParam>;
  for (int first = Limits::min_exponent - 1; first + TestFixture::width <= Limits::max_exponent;
       first += TestFixture::width) {
    const auto powers = TestFixture::lanes(
        power_of_two(TestFixture::iota(static_cast<TypeParam>(first), TypeParam(1))));
    for (int e = 0; e < TestFixture::width; ++e)
      EXPECT_EQ(powers[e], std::ldexp(TypeParam(1), first + e));
  }
  for (const TypeParam k : {TypeParam(Limits::min_exponent - 2), TypeParam(-1e6), -Limits::max()})
    EXPECT_EQ(TestFixture::lanes(power_of_two(HostPack<TypeParam>(k)))[0], 0);
}

TYPED_TEST(ExtendedRangeTest, normalize_keeps_the_value) {
  std::mt19937 engine(5);
  std::uniform_real_distribution<TypeParam> mantissas(1, 2);
  for (int k = std::numeric_limits<TypeParam>::min_exponent;
       k < std::numeric_limits<TypeParam>::max_exponent; k += 7) {
    const TypeParam mantissa = mantissas(engine), x = std::ldexp(mantissa, k - 1);
    const auto value = normalize(HostPack<TypeParam>(x), HostPack<TypeParam>(TypeParam(1000)));
    EXPECT_EQ(TestFixture::lanes(value.mantissa)[0], mantissa);
    EXPECT_EQ(TestFixture::lanes(value.exponent)[0], 1000 + k - 1);
  }
}

TYPED_TEST(ExtendedRangeTest, zero_and_nan_stay) {
  using Pack = HostPack<TypeParam>;
  const auto zero = normalize(Pack(TypeParam(0)), Pack(TypeParam(12)));
  EXPECT_EQ(TestFixture::lanes(zero.mantissa)[0], 0);
  EXPECT_EQ(TestFixture::lanes(zero.exponent)[0], extended_zero_exponent<TypeParam>);
  const auto nan = std::numeric_limits<TypeParam>::quiet_NaN();
  EXPECT_TRUE(std::isnan(TestFixture::lanes(normalize(Pack(nan), Pack(nan)).mantissa)[0]));
  EXPECT_TRUE(std::isnan(TestFixture::lanes(extended_exp(Pack(nan)).mantissa)[0]));
  const auto infinity = std::numeric_limits<TypeParam>::infinity();
  const auto nothing = extended_exp(Pack(-infinity));
  EXPECT_EQ(TestFixture::lanes(nothing.mantissa)[0], 0);
  EXPECT_EQ(TestFixture::lanes(nothing.exponent)[0], extended_zero_exponent<TypeParam>);
}

TYPED_TEST(ExtendedRangeTest, nearest_integer_rounds) {
  for (const TypeParam x : {TypeParam(0), TypeParam(0.49), TypeParam(-0.51), TypeParam(1234.5),
                            TypeParam(-99999.75), TypeParam(1e6)})
    EXPECT_EQ(TestFixture::lanes(nearest_integer(HostPack<TypeParam>(x)))[0], std::nearbyint(x));
}

/// Far beyond what e^x can be: mantissa and exponent against long double, whose range ends at
/// e^11356.
TEST(ExtendedRange, exp_and_log_in_double) {
  using Pack = HostPack<double>;
  for (double x = -11000; x < 11000; x += 173.318) {
    const auto value = extended_exp(Pack(x));
    double mantissa[Pack::width], exponent[Pack::width], logarithm[Pack::width];
    value.mantissa.store(mantissa);
    value.exponent.store(exponent);
    extended_log(value).store(logarithm);
    const long double exact = std::exp(static_cast<long double>(x));
    const long double held =
        std::ldexp(static_cast<long double>(mantissa[0]), static_cast<int>(exponent[0]));
    EXPECT_NEAR(static_cast<double>(held / exact), 1.0, 1e-15) << x;
    EXPECT_NEAR(logarithm[0], x, 1e-15 * (1 + std::abs(x)));
    EXPECT_GT(mantissa[0], 0.7);
    EXPECT_LT(mantissa[0], 1.5);
  }
  const auto far = extended_exp(Pack(-1e300));
  double exponent[Pack::width];
  far.exponent.store(exponent);
  EXPECT_GT(exponent[0], extended_zero_exponent<double> / 2);
}

}  // namespace
}  // namespace otfleet::kernels
