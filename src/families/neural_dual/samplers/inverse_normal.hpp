#pragma once
#include <cmath>

namespace otfleet {

/// The z below which a standard normal number is with probability p in (0, 1), to a
/// relative 1.2e-9: rational functions by Acklam (2003). The last half of p below 1 loses digits,
/// as 1 − p does.
inline double inverse_normal(double p) {
  constexpr double tail = 0.02425;
  if (p < tail || p > 1 - tail) {
    const double t = std::sqrt(-2 * std::log(p < tail ? p : 1 - p));
    const double above =
        ((((-7.784894002430293e-03 * t - 3.223964580411365e-01) * t - 2.400758277161838e+00) * t -
          2.549732539343734e+00) *
             t +
         4.374664141464968e+00) *
            t +
        2.938163982698783e+00;
    const double below =
        (((7.784695709041462e-03 * t + 3.224671290700398e-01) * t + 2.445134137142996e+00) * t +
         3.754408661907416e+00) *
            t +
        1;
    return p < tail ? above / below : -above / below;
  }
  const double q = p - 0.5, r = q * q;
  const double above =
      ((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
        1.383577518672690e+02) *
           r -
       3.066479806614716e+01) *
          r +
      2.506628277459239e+00;
  const double below =
      ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
        6.680131188771972e+01) *
           r -
       1.328068155288572e+01) *
          r +
      1;
  return q * above / below;
}

}  // namespace otfleet
