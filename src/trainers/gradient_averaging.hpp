#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/gradient_averager.hpp"
#include "src/models/trained_model.hpp"

namespace otfleet {

/// Where the buckets of a model's flat gradients begin, the last bucket first: whole tensors, from
/// the end of the array on, until they make `bytes`. 0 bytes: all are one bucket.
std::vector<std::int64_t> bucket_begins(const std::vector<ParameterEntry>& entries,
                                        std::int64_t bytes);

/// What averaging costs, in seconds a step, means over the ranks. Not a number: no such step yet.
struct AveragingFigures {
  std::string backend;  ///< "mpi" or "nccl"
  std::int64_t buckets = 0, bytes = 0, sampled_steps = 0;
  double seconds = 0;          ///< of averaging alone: on sampled steps, all ranks ready for it
  double wait_seconds = 0;     ///< until all ranks are ready for it, on the same steps
  double exposed_seconds = 0;  ///< what the other steps spend on both
  double hidden_share = 0;  ///< of `seconds`, what the other steps are spared; below 0: they lose
};

/// The backward pass of data-parallel training, with gradients summed over the ranks (each rank's
/// loss is already its part of the mean). A bucket is begun as soon as the pass has completed it,
/// as in PyTorch's DistributedDataParallel (Li et al. 2020), so that only the last ones are waited
/// for. Every 32nd step begins all buckets after the pass instead, to know what that spares.
///
/// Buckets, and so the order of sums, are the same on every step and rank, whenever they begin.
class GradientAveraging {
 public:
  /// Keeps a reference to `model`. `bucket_bytes` 0: nothing is begun before the pass is over.
  /// Collective.
  GradientAveraging(const distributed::Communicator& communicator, TrainedModel& model,
                    std::int64_t bucket_bytes);

  /// pass(), then the model's gradients summed over the ranks, on step number `step`. Returns the
  /// seconds that averaging took of it, work done meanwhile not counted. If the pass throws on this
  /// rank its gradients still go to the others, who wait for them. Collective.
  double backward(const BackwardPass& pass, std::int64_t step);

  /// Since construction. Collective.
  AveragingFigures figures() const;

 private:
  void begin_from(std::int64_t complete_from);
  void finish();

  distributed::Communicator communicator_;
  std::unique_ptr<distributed::GradientAverager> averager_;
  TrainedModel& model_;
  bool in_place_;  ///< where gradients are; else MPI takes them from a copy on the host
  std::vector<float> copy_;
  std::span<float> averaged_;  ///< the model's gradients, or the copy
  std::int64_t bucket_bytes_;
  std::vector<std::int64_t> begins_;
  std::size_t begun_ = 0;  ///< buckets of the step under way

  std::int64_t sampled_ = 0, others_ = 0;  ///< steps
  double alone_ = 0, wait_ = 0, exposed_ = 0;
};

}  // namespace otfleet
