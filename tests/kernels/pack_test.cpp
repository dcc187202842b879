#include "kernels/lanes/pack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace otfleet::kernels {
namespace {

template <class Scalar>
class PackTest : public testing::Test {
 public:
  using Pack = HostPack<Scalar>;
  static constexpr int width = Pack::width;
  static constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

  /// Calls function(pack) on all of `inputs`, whose lanes all differ, and returns the results.
  template <class Function>
  static std::vector<Scalar> map(std::vector<Scalar> inputs, const Function& function) {
    const std::size_t count = inputs.size();
    inputs.resize((count + width - 1) / width * width, Scalar(1));
    std::vector<Scalar> outputs(inputs.size());
    for (std::size_t at = 0; at < inputs.size(); at += width)
      function(Pack::load(&inputs[at])).store(&outputs[at]);
    outputs.resize(count);
    return outputs;
  }

  static Pack iota(Scalar first, Scalar step) {
    Scalar values[width];
    for (int e = 0; e < width; ++e) values[e] = first + step * static_cast<Scalar>(e);
    return Pack::load(values);
  }

  static std::vector<Scalar> lanes(const Pack& pack) {
    std::vector<Scalar> values(width);
    pack.store(values.data());
    return values;
  }

  /// |x − exact| in units of the spacing of floating-point numbers at `exact`.
  static double units_in_last_place(Scalar x, long double exact) {
    const Scalar rounded = static_cast<Scalar>(exact);
    const Scalar next = std::nextafter(std::abs(rounded), infinity);
    return static_cast<double>(std::abs(static_cast<long double>(x) - exact) /
                               (static_cast<long double>(next) - std::abs(rounded)));
  }
};

using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(PackTest, Scalars);

// The vector math library promises one unit in the last place; results below the smallest normal
// number may be rounded twice.
constexpr double math_tolerance = 1.01, denormal_tolerance = 2;

TYPED_TEST(PackTest, exp_of_normal_results) {
  using Scalar = TypeParam;
  const Scalar low = std::log(std::numeric_limits<Scalar>::min()) + Scalar(0.1);
  const Scalar high = std::log(std::numeric_limits<Scalar>::max()) - Scalar(0.1);
  std::vector<Scalar> x = {0, low, high, Scalar(1e-30), Scalar(-1e-30), Scalar(-0.0)};
  for (int k = 0; k <= 20000; ++k) x.push_back(low + (high - low) * Scalar(k) / 20000);
  const auto y = this->map(x, [](const auto& pack) { return exp(pack); });
  for (std::size_t k = 0; k < x.size(); ++k)
    ASSERT_LE(this->units_in_last_place(y[k], std::exp(static_cast<long double>(x[k]))),
              math_tolerance)
        << x[k];
}

TYPED_TEST(PackTest, exp_that_underflows) {
  using Scalar = TypeParam;
  const Scalar low = std::log(std::numeric_limits<Scalar>::denorm_min());
  const Scalar high = std::log(std::numeric_limits<Scalar>::min());
  std::vector<Scalar> x;
  for (int k = 0; k <= 2000; ++k) x.push_back(low + (high - low) * Scalar(k) / 2000);
  const auto y = this->map(x, [](const auto& pack) { return exp(pack); });
  const long double spacing = std::numeric_limits<Scalar>::denorm_min();
  for (std::size_t k = 0; k < x.size(); ++k)
    ASSERT_LE(std::abs(y[k] - std::exp(static_cast<long double>(x[k]))) / spacing,
              denormal_tolerance)
        << x[k];
}

TYPED_TEST(PackTest, exp_far_below_zero_is_zero) {
  using Scalar = TypeParam;
  const Scalar most = std::numeric_limits<Scalar>::max();
  const std::vector<Scalar> x = {-this->infinity, -most,        -most / 4, Scalar(-1e30),
                                 Scalar(-1e10),   Scalar(-1e6), -2000,     -1000};
  for (Scalar y : this->map(x, [](const auto& pack) { return exp(pack); })) EXPECT_EQ(y, 0);
}

TYPED_TEST(PackTest, log_of_positive_numbers) {
  using Scalar = TypeParam;
  std::vector<Scalar> x = {1, std::nextafter(Scalar(1), Scalar(0)),
                           std::nextafter(Scalar(1), Scalar(2)),
                           std::numeric_limits<Scalar>::max()};
  const int exponents = std::numeric_limits<Scalar>::max_exponent;
  for (int k = 0; k <= 20000; ++k) {
    const double exponent = -exponents + 2.5 + (2 * exponents - 3.0) * k / 20000;
    x.push_back(static_cast<Scalar>(std::exp2(exponent)));
  }
  for (Scalar y : {Scalar(1), Scalar(3.7), Scalar(17)})
    x.push_back(std::numeric_limits<Scalar>::denorm_min() * y);
  const auto y = this->map(x, [](const auto& pack) { return log(pack); });
  for (std::size_t k = 0; k < x.size(); ++k)
    ASSERT_LE(this->units_in_last_place(y[k], std::log(static_cast<long double>(x[k]))),
              math_tolerance)
        << x[k];
}

TYPED_TEST(PackTest, exp2_of_bounded_arguments) {
  using Scalar = TypeParam;
  const Scalar low = std::numeric_limits<Scalar>::min_exponent - 1, high = -low;
  std::vector<Scalar> x = {0, Scalar(-0.0), low, high, Scalar(0.5), Scalar(-0.5), Scalar(1e-30)};
  for (int k = 0; k <= 40000; ++k) x.push_back(low + (high - low) * Scalar(k) / 40000);
  for (int k = 0; k <= 40000; ++k) x.push_back(-2 + 4 * Scalar(k) / 40000);
  const auto y = this->map(x, [](const auto& pack) { return exp2_bounded(pack); });
  for (std::size_t k = 0; k < x.size(); ++k)
    ASSERT_LE(this->units_in_last_place(y[k], std::exp2(static_cast<long double>(x[k]))), 2)
        << x[k];
  const Scalar most = std::numeric_limits<Scalar>::max();
  const std::vector<Scalar> far = {-this->infinity, -most, -1e10, low - Scalar(0.6), low - 2000};
  for (Scalar z : this->map(far, [](const auto& pack) { return exp2_bounded(pack); })) {
    EXPECT_GE(z, 0);
    EXPECT_LE(z, std::numeric_limits<Scalar>::min());
  }
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  EXPECT_TRUE(std::isnan(this->map({nan}, [](const auto& pack) { return exp2_bounded(pack); })[0]));
}

TYPED_TEST(PackTest, log2_of_normal_numbers) {
  using Scalar = TypeParam;
  std::vector<Scalar> x = {1,
                           Scalar(M_SQRT1_2),
                           Scalar(M_SQRT2),
                           std::nextafter(Scalar(1), Scalar(0)),
                           std::nextafter(Scalar(1), Scalar(2)),
                           std::numeric_limits<Scalar>::min(),
                           std::numeric_limits<Scalar>::max()};
  const int exponents = std::numeric_limits<Scalar>::max_exponent;
  for (int k = 0; k <= 40000; ++k) {
    x.push_back(static_cast<Scalar>(std::exp2(-exponents + 2.5 + (2 * exponents - 3.0) * k / 4e4)));
    x.push_back(Scalar(0.5) + Scalar(k) / 20000);
  }
  const auto y = this->map(x, [](const auto& pack) { return log2_normal(pack); });
  for (std::size_t k = 0; k < x.size(); ++k) {
    const long double exact = std::log2(static_cast<long double>(x[k]));
    const long double size = std::max(std::abs(exact), 1.0L);
    ASSERT_LE(std::abs(y[k] - exact) / size, std::numeric_limits<Scalar>::epsilon() * 2) << x[k];
  }
}

TYPED_TEST(PackTest, angle_between_of_every_size) {
  using Scalar = TypeParam;
  using Pack = typename TestFixture::Pack;
  const Scalar tiny = std::numeric_limits<Scalar>::min();
  std::vector<Scalar> apart = {0, 4, 1, 1, 2, 3, tiny};
  for (int k = 0; k <= 40000; ++k) apart.push_back(4 * Scalar(k) / 40000);
  for (int k = 0; k <= 1000; ++k) apart.push_back(static_cast<Scalar>(std::pow(10.0, -k / 30.0)));
  for (const bool turned : {false, true}) {
    // One of both squares is exact where it is small: that is what makes small angles accurate.
    const auto angle = this->map(apart, [turned](const Pack& pack) {
      const Pack rest = Pack(Scalar(4)) - pack;
      return turned ? angle_between(rest, pack) : angle_between(pack, rest);
    });
    for (std::size_t k = 0; k < apart.size(); ++k) {
      const auto one = static_cast<long double>(apart[k]);
      const auto other = static_cast<long double>(Scalar(4) - apart[k]);
      const long double exact =
          2 * std::atan2(std::sqrt(turned ? other : one), std::sqrt(turned ? one : other));
      ASSERT_LE(this->units_in_last_place(angle[k], exact), 4) << apart[k] << " " << turned;
    }
    EXPECT_EQ(angle[turned ? 1 : 0], 0);
  }
  EXPECT_EQ(this->map({Scalar(0)}, [](const Pack& pack) { return angle_between(pack, pack); })[0],
            0);
}

TYPED_TEST(PackTest, square_root) {
  using Scalar = TypeParam;
  std::vector<Scalar> x = {0, 1, Scalar(0.5), Scalar(1e-30)};
  for (int k = 0; k <= 20000; ++k) x.push_back(Scalar(k) / 20000);
  const auto root = this->map(x, [](const auto& pack) { return sqrt(pack); });
  for (std::size_t k = 0; k < x.size(); ++k) EXPECT_EQ(root[k], std::sqrt(x[k]));
}

TYPED_TEST(PackTest, not_a_number_passes_through) {
  using Scalar = TypeParam;
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  for (Scalar y : this->map({nan}, [](const auto& pack) { return exp(pack); }))
    EXPECT_TRUE(std::isnan(y));
  for (Scalar y : this->map({nan}, [](const auto& pack) { return log(pack); }))
    EXPECT_TRUE(std::isnan(y));
}

TYPED_TEST(PackTest, load_store_and_broadcast) {
  using Scalar = TypeParam;
  using Pack = typename TestFixture::Pack;
  // One past an aligned address: rows of user arrays start anywhere.
  std::vector<Scalar> values(2 * this->width + 1);
  for (std::size_t e = 0; e < values.size(); ++e) values[e] = static_cast<Scalar>(e);
  std::vector<Scalar> copy(values.size());
  Pack::load(&values[1]).store(&copy[1]);
  for (int e = 0; e < this->width; ++e) EXPECT_EQ(copy[e + 1], values[e + 1]);
  EXPECT_EQ(copy[0], 0);
  EXPECT_EQ(copy[this->width + 1], 0);
  for (Scalar x : {Scalar(-2.5), -this->infinity, this->infinity})
    for (Scalar lane : this->lanes(Pack(x))) EXPECT_EQ(lane, x);
}

TYPED_TEST(PackTest, arithmetic_works_lane_by_lane) {
  const auto x = this->iota(-3, 1), y = this->iota(2, 3);
  const auto a = this->lanes(x), b = this->lanes(y);
  const auto sum = this->lanes(x + y), difference = this->lanes(x - y),
             product = this->lanes(x * y), quotient = this->lanes(x / y),
             absolute = this->lanes(abs(x)), largest = this->lanes(max(x, y)),
             least = this->lanes(min(x, y));
  for (int e = 0; e < this->width; ++e) {
    EXPECT_EQ(sum[e], a[e] + b[e]);
    EXPECT_EQ(difference[e], a[e] - b[e]);
    EXPECT_EQ(product[e], a[e] * b[e]);
    EXPECT_EQ(quotient[e], a[e] / b[e]);
    EXPECT_EQ(absolute[e], std::abs(a[e]));
    EXPECT_EQ(largest[e], std::max(a[e], b[e]));
    EXPECT_EQ(least[e], std::min(a[e], b[e]));
  }
  const typename TestFixture::Pack none(-this->infinity);
  EXPECT_EQ(this->lanes(max(none, x)), a);
  EXPECT_EQ(this->lanes(max(x, none)), a);
  EXPECT_EQ(this->lanes(min(none, x))[0], -this->infinity);
  EXPECT_EQ(this->lanes(abs(none))[0], this->infinity);
}

TYPED_TEST(PackTest, if_greater_is_strict) {
  using Pack = typename TestFixture::Pack;
  const Pack x = this->iota(0, 1), middle(2), yes = this->iota(10, 1), no = this->iota(-10, -1);
  const auto chosen = this->lanes(if_greater(x, middle, yes, no));
  for (int e = 0; e < this->width; ++e) EXPECT_EQ(chosen[e], e > 2 ? 10 + e : -10 - e);
  const Pack none(-this->infinity);
  EXPECT_EQ(this->lanes(if_greater(none, none, yes, no)), this->lanes(no));
}

TYPED_TEST(PackTest, any_positive_sees_every_lane) {
  using Scalar = TypeParam;
  using Pack = typename TestFixture::Pack;
  EXPECT_FALSE(any_positive(Pack(Scalar(0))));
  EXPECT_FALSE(any_positive(Pack(Scalar(-1))));
  EXPECT_FALSE(any_positive(Pack(-this->infinity)));
  for (int e = 0; e < this->width; ++e) {
    std::vector<Scalar> values(this->width, Scalar(-1));
    values[e] = std::numeric_limits<Scalar>::denorm_min();
    EXPECT_TRUE(any_positive(Pack::load(values.data()))) << e;
  }
}

TYPED_TEST(PackTest, scalar_versions_agree) {
  using Scalar = TypeParam;
  EXPECT_EQ(kernels::max(Scalar(1), Scalar(2)), 2);
  EXPECT_EQ(kernels::min(Scalar(1), Scalar(2)), 1);
  EXPECT_EQ(kernels::abs(Scalar(-3)), 3);
  EXPECT_EQ(kernels::exp(Scalar(1)), std::exp(Scalar(1)));
  EXPECT_EQ(kernels::log(Scalar(2)), std::log(Scalar(2)));
  EXPECT_EQ(kernels::exp2_bounded(Scalar(3)), 8);
  EXPECT_GT(kernels::exp2_bounded(-std::numeric_limits<Scalar>::max()), 0);
  EXPECT_EQ(kernels::log2_normal(Scalar(8)), 3);
  EXPECT_EQ(kernels::sqrt(Scalar(9)), 3);
  EXPECT_EQ(kernels::angle_between(Scalar(0), Scalar(4)), 0);
  EXPECT_NEAR(kernels::angle_between(Scalar(4), Scalar(0)), M_PI, 1e-6);
  EXPECT_EQ(kernels::if_greater(Scalar(2), Scalar(1), Scalar(7), Scalar(8)), 7);
  EXPECT_EQ(kernels::if_greater(Scalar(1), Scalar(1), Scalar(7), Scalar(8)), 8);
  EXPECT_TRUE(kernels::any_positive(Scalar(0.5)));
  EXPECT_FALSE(kernels::any_positive(Scalar(0)));
}

}  // namespace
}  // namespace otfleet::kernels
