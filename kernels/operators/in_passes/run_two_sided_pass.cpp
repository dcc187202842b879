#include "kernels/operators/in_passes/run_two_sided_pass.hpp"

#include <variant>

#include "kernels/operators/in_passes/two_sided_pass.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace, class Scalar>
void run_two_sided_pass(const ExecutionSpace& space, const CostForm& cost,
                        const CloudPoints<ExecutionSpace, Scalar>& rows,
                        const CloudPoints<ExecutionSpace, Scalar>& columns,
                        const Vector<Scalar, ExecutionSpace>& offset,
                        const Vector<Scalar, ExecutionSpace>& shift, double scale,
                        const TwoSidedWorkspace<ExecutionSpace, Scalar>& workspace,
                        const RowFactors<Scalar>& factors_of,
                        const Vector<double, ExecutionSpace>& column_sums,
                        PairTerms<ExecutionSpace, Scalar>* terms) {
  using Points = CloudPoints<ExecutionSpace, Scalar>;
  constexpr int chunk_bytes = Backend<ExecutionSpace>::chunk_bytes;
  const int block_bytes = rows.dimension * Points::L::width * static_cast<int>(sizeof(Scalar));
  const int blocks = columns.column_blocks();
  const bool keeps = terms != nullptr && *terms;
  const auto use = !keeps          ? PairTermsUse::none
                   : terms->filled ? PairTermsUse::read
                                   : PairTermsUse::fill;
  const bool streams = block_bytes == 0 || use == PairTermsUse::read;
  const int chunk = streams ? blocks : std::max(1, chunk_bytes / block_bytes);
  std::visit(
      [&](const auto& typed) {
        using Cost = std::remove_cvref_t<decltype(typed)>;
        const TwoSidedPass<Cost, ExecutionSpace, Scalar> pass{
            rows.rows.data(),
            columns.columns.data(),
            offset.data(),
            shift.data(),
            rows.count,
            rows.dimension,
            blocks,
            workspace.strip,
            chunk,
            typed,
            static_cast<Scalar>(scale),
            rows.costs,
            workspace,
            &factors_of,
            use,
            keeps ? terms->values.data() : nullptr};
        Kokkos::parallel_for("otfleet::clouds::two_sided_pass",
                             Policy<ExecutionSpace>(space, workspace.threads, 1), pass);
      },
      cost);
  if (keeps) terms->filled = true;
  const auto sums = workspace.sums;
  const int threads = workspace.threads, length = blocks * Points::L::width;
  Kokkos::parallel_for(
      "otfleet::clouds::add_threads", Kokkos::RangePolicy<ExecutionSpace>(space, 0, columns.count),
      KOKKOS_LAMBDA(int j) {
        double total = 0;
        for (int t = 0; t < threads; ++t) total += sums(static_cast<std::size_t>(t) * length + j);
        column_sums(j) = total;
      });
}

#define OTFLEET_INSTANTIATE(Space, Scalar)                                           \
  template void run_two_sided_pass<Space, Scalar>(                                   \
      const Space&, const CostForm&, const CloudPoints<Space, Scalar>&,              \
      const CloudPoints<Space, Scalar>&, const Vector<Scalar, Space>&,               \
      const Vector<Scalar, Space>&, double, const TwoSidedWorkspace<Space, Scalar>&, \
      const RowFactors<Scalar>&, const Vector<double, Space>&, PairTerms<Space, Scalar>*);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
