#include "src/trainers/gradient_averaging.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "kernels/runtime.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t sample_every = 32;

#ifdef OTFLEET_NCCL
/// Has every rank a GPU of its own? NCCL refuses two ranks on one. Collective.
bool has_own_gpu(const distributed::Communicator& communicator) {
  const auto number = std::hash<std::string>()(kernels::device_identity());
  auto all = communicator.all_gather(static_cast<std::int64_t>(number));
  std::sort(all.begin(), all.end());
  return std::adjacent_find(all.begin(), all.end()) == all.end();
}
#endif

std::unique_ptr<distributed::GradientAverager> make_averager(
    const distributed::Communicator& communicator) {
#ifdef OTFLEET_NCCL
  if (kernels::runs_on_gpu() && has_own_gpu(communicator))
    return distributed::make_nccl_averager(communicator);
#endif
  return distributed::make_mpi_averager(communicator);
}

}  // namespace

std::vector<std::int64_t> bucket_begins(const std::vector<ParameterEntry>& entries,
                                        std::int64_t bytes) {
  std::vector<std::int64_t> begins;
  std::int64_t held = 0;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    held += entry->size * static_cast<std::int64_t>(sizeof(float));
    if (entry->offset > 0 && (bytes == 0 || held < bytes)) continue;
    begins.push_back(entry->offset);
    held = 0;
  }
  return begins;
}

GradientAveraging::GradientAveraging(const distributed::Communicator& communicator,
                                     TrainedModel& model, std::int64_t bucket_bytes)
    : communicator_(communicator),
      averager_(make_averager(communicator)),
      model_(model),
      in_place_(averager_->sums_in_device_memory() || !kernels::runs_on_gpu()),
      copy_(in_place_ ? 0 : model.gradients().size()),
      averaged_(in_place_ ? std::span(model.gradients().data(), model.gradients().size())
                          : std::span(copy_)),
      bucket_bytes_(bucket_bytes),
      begins_(bucket_begins(model.entries(), bucket_bytes)) {}

double GradientAveraging::backward(const BackwardPass& pass, std::int64_t step) {
  const bool sampled = step % sample_every == sample_every - 1;
  double averaging = 0, wait = 0;
  begun_ = 0;
  try {
    if (in_place_ && bucket_bytes_ > 0 && !sampled)
      pass([&](std::int64_t complete_from) {
        const StopWatch watch(averaging);
        begin_from(complete_from);
        averager_->progress();
      });
    else
      pass({});
  } catch (...) {
    finish();
    throw;
  }
  kernels::fence();  // the pass's own time
  if (sampled) {
    const StopWatch watch(wait);
    communicator_.barrier();
  }
  {
    const StopWatch watch(averaging);
    finish();
  }
  if (sampled) {
    ++sampled_;
    alone_ += averaging;
    wait_ += wait;
  } else {
    ++others_;
    exposed_ += averaging;
  }
  return averaging + wait;
}

void GradientAveraging::begin_from(std::int64_t complete_from) {
  for (; begun_ < begins_.size() && begins_[begun_] >= complete_from; ++begun_) {
    const auto begin = static_cast<std::size_t>(begins_[begun_]);
    const auto end = begun_ == 0 ? averaged_.size() : static_cast<std::size_t>(begins_[begun_ - 1]);
    averager_->begin(averaged_.subspan(begin, end - begin));
  }
}

void GradientAveraging::finish() {
  if (!in_place_) model_.gradients().download(averaged_);
  begin_from(0);
  averager_->finish();
  if (!in_place_) model_.gradients().upload(copy_);
}

AveragingFigures GradientAveraging::figures() const {
  std::array<double, 3> sums = {alone_, wait_, exposed_};
  communicator_.all_reduce(std::span<double>(sums), distributed::Reduction::sum);
  const auto mean = [&](double sum, std::int64_t steps) {
    return sum / communicator_.size() / static_cast<double>(steps);
  };
  AveragingFigures figures;
  figures.backend = averager_->name();
  figures.buckets = static_cast<std::int64_t>(begins_.size());
  figures.bytes = static_cast<std::int64_t>(averaged_.size() * sizeof(float));
  figures.sampled_steps = sampled_;
  figures.seconds = mean(sums[0], sampled_);
  figures.wait_seconds = mean(sums[1], sampled_);
  figures.exposed_seconds = mean(sums[2], others_);
  figures.hidden_share =
      (figures.seconds + figures.wait_seconds - figures.exposed_seconds) / figures.seconds;
  return figures;
}

}  // namespace otfleet
