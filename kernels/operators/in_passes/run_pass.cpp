#include "kernels/operators/in_passes/run_pass.hpp"

#include <stdexcept>
#include <type_traits>

#include "kernels/operators/in_passes/cloud_pass.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace, class Scalar>
void run_pass(const ExecutionSpace& space, PassResult wanted, const CostForm& cost,
              const CloudPoints<ExecutionSpace, Scalar>& rows,
              const CloudPoints<ExecutionSpace, Scalar>& columns,
              const Vector<Scalar, ExecutionSpace>& offset,
              const Vector<Scalar, ExecutionSpace>& shift,
              const Vector<Scalar, ExecutionSpace>& result, double scale,
              const Vector<Scalar, ExecutionSpace>& row_costs) {
  std::visit(
      [&](const auto& typed) {
        const auto run = [&]<PassResult chosen>() {
          run_cloud_pass<chosen>(space, typed, rows, columns, offset, shift, result, scale,
                                 row_costs);
        };
        if (wanted == PassResult::largest) return run.template operator()<PassResult::largest>();
        if (wanted == PassResult::exponential)
          return run.template operator()<PassResult::exponential>();
        if constexpr (std::is_same_v<Scalar, double> &&
                      !is_product<std::remove_cvref_t<decltype(typed)>>) {
          if (wanted == PassResult::costs) return run.template operator()<PassResult::costs>();
          if (wanted == PassResult::product) return run.template operator()<PassResult::product>();
          if (wanted == PassResult::smallest)
            return run.template operator()<PassResult::smallest>();
        }
        throw std::invalid_argument("no pass computes this of a product form or of floats");
      },
      cost);
}

#define OTFLEET_INSTANTIATE(Space, Scalar)                                          \
  template void run_pass<Space, Scalar>(                                            \
      const Space&, PassResult, const CostForm&, const CloudPoints<Space, Scalar>&, \
      const CloudPoints<Space, Scalar>&, const Vector<Scalar, Space>&,              \
      const Vector<Scalar, Space>&, const Vector<Scalar, Space>&, double,           \
      const Vector<Scalar, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
