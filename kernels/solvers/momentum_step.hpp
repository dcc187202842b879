#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"

namespace otfleet::kernels {

/// value · exp(exponent), an exponent beyond ±momentum_limit taken for that limit.
template <class Domain>
KOKKOS_FORCEINLINE_FUNCTION typename Domain::Value times_limited_exp(
    const typename Domain::Value& value, const typename Domain::Pack& exponent) {
  using Pack = typename Domain::Pack;
  const Pack limit(static_cast<typename Domain::Scalar>(momentum_limit));
  const Pack none(typename Domain::Scalar(0));
  return Domain::times_exp(value, max(none - limit, min(limit, exponent)));
}

}  // namespace otfleet::kernels
