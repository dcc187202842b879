#include "distributed/gradient_averager.hpp"

#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace otfleet::distributed {
namespace {

class MpiAverager final : public GradientAverager {
 public:
  explicit MpiAverager(Communicator communicator) : communicator_(std::move(communicator)) {}

  void progress() override {
    check_thread();
    int ignored = 0;
    MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &ignored,
                MPI_STATUSES_IGNORE);
  }

  bool sums_in_device_memory() const override { return false; }

  const char* name() const override { return "mpi"; }

 private:
  // Not in place: Open MPI then sends whole arrays up and down a tree, however many ranks there
  // are, and makes a copy of its own besides (nbc_iallreduce.c).
  void start(std::span<float> values) override {
    check_thread();
    if (begun_ == own_.size()) own_.emplace_back();
    std::vector<float>& own = own_[begun_++];
    own.assign(values.begin(), values.end());
    communicator_.begin_all_reduce(own, values, Reduction::sum, requests_);
  }

  void wait() override {
    check_thread();
    MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
    requests_.clear();
    begun_ = 0;
  }

  void check_thread() const {
    if (std::this_thread::get_id() != thread_)
      throw std::logic_error("gradients are averaged on a thread that must not call MPI");
  }

  Communicator communicator_;
  std::thread::id thread_ = std::this_thread::get_id();
  std::vector<MPI_Request> requests_;
  std::vector<std::vector<float>> own_;  ///< this rank's terms of every piece begun
  std::size_t begun_ = 0;
};

}  // namespace

void GradientAverager::begin(std::span<float> values) {
  if (values.empty()) return;
  if (front_ != nullptr && values.data() + values.size() != front_)
    throw std::logic_error("a piece of the gradients is averaged out of order");
  start(values);
  front_ = values.data();
}

void GradientAverager::finish() {
  wait();
  front_ = nullptr;
}

std::unique_ptr<GradientAverager> make_mpi_averager(Communicator communicator) {
  return std::make_unique<MpiAverager>(std::move(communicator));
}

}  // namespace otfleet::distributed
