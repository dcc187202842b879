#include "distributed/gradient_averager.hpp"

#include <utility>

namespace otfleet::distributed {
namespace {

class MpiAverager final : public GradientAverager {
 public:
  explicit MpiAverager(Communicator communicator) : communicator_(std::move(communicator)) {}

  void sum(std::span<float> values) override { communicator_.all_reduce(values, Reduction::sum); }

  const char* name() const override { return "mpi"; }

 private:
  Communicator communicator_;
};

}  // namespace

std::unique_ptr<GradientAverager> make_mpi_averager(Communicator communicator) {
  return std::make_unique<MpiAverager>(std::move(communicator));
}

}  // namespace otfleet::distributed
