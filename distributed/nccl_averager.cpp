#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "distributed/gradient_averager.hpp"

namespace otfleet::distributed {
namespace {

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string("CUDA: ") + call + ": " + cudaGetErrorString(status));
}

void check(ncclResult_t status, const char* call) {
  if (status == ncclSuccess) return;
  std::string message = std::string("NCCL: ") + call + ": " + ncclGetErrorString(status);
  const char* detail = ncclGetLastError(nullptr);
  if (detail && *detail) message += std::string(" (") + detail + ")";
  throw std::runtime_error(message);
}

class NcclAverager final : public GradientAverager {
 public:
  explicit NcclAverager(const Communicator& communicator) {
    try {
      connect(communicator);
    } catch (...) {
      release();
      throw;
    }
  }

  ~NcclAverager() override { release(); }
  NcclAverager(const NcclAverager&) = delete;
  NcclAverager& operator=(const NcclAverager&) = delete;

  void progress() override {}  // the device needs no help

  bool sums_in_device_memory() const override { return true; }

  const char* name() const override { return "nccl"; }

 private:
  void start(std::span<float> values) override {
    check(cudaEventRecord(computed_, cudaStreamLegacy), "cudaEventRecord");
    check(cudaStreamWaitEvent(stream_, computed_, 0), "cudaStreamWaitEvent");
    check(ncclAllReduce(values.data(), values.data(), values.size(), ncclFloat, ncclSum, ranks_,
                        stream_),
          "ncclAllReduce");
  }

  void wait() override {
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    ncclResult_t late = ncclSuccess;
    check(ncclCommGetAsyncError(ranks_, &late), "ncclCommGetAsyncError");
    check(late, "ncclAllReduce");
  }

  void connect(const Communicator& communicator) {
    ncclUniqueId id{};
    // ncclCommInitRank waits for all ranks, so whatever can fail on one rank comes before it.
    communicator.agree([&] {
      // The default stream, where gradients are computed, would wait for any other kind of stream;
      // this one waits for it where an event says so.
      check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
      check(cudaEventCreateWithFlags(&computed_, cudaEventDisableTiming), "cudaEventCreate");
      if (communicator.is_root()) check(ncclGetUniqueId(&id), "ncclGetUniqueId");
    });
    const std::string bytes =
        communicator.broadcast(std::string(reinterpret_cast<const char*>(&id), sizeof(id)));
    std::memcpy(&id, bytes.data(), sizeof(id));
    communicator.agree([&] {
      check(ncclCommInitRank(&ranks_, communicator.size(), id, communicator.rank()),
            "ncclCommInitRank");
    });
  }

  void release() noexcept {
    if (ranks_) ncclCommDestroy(ranks_);
    if (computed_) cudaEventDestroy(computed_);
    if (stream_) cudaStreamDestroy(stream_);
  }

  cudaStream_t stream_ = nullptr;
  cudaEvent_t computed_ = nullptr;  ///< what the default stream had to do before a piece
  ncclComm_t ranks_ = nullptr;
};

}  // namespace

std::unique_ptr<GradientAverager> make_nccl_averager(Communicator communicator) {
  return std::make_unique<NcclAverager>(communicator);
}

}  // namespace otfleet::distributed
