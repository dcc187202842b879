#include "src/families/conditional_map/problem_batches.hpp"

#include "distributed/shard.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t turn_stream = 0x7475726e;

}  // namespace

ProblemBatchSettings problem_batch_settings(const Job& job) {
  return {job.train.batch, job.train.points,
          job.train.augment && job.model.context != ContextKind::given &&
              job.model.conditioning != Conditioning::none,
          static_cast<std::uint64_t>(job.seed)};
}

ProblemBatches::ProblemBatches(const ProblemBatchSettings& settings,
                               const distributed::Communicator& communicator,
                               const CloudPopulation& population,
                               const ConditionalDescription& description)
    : settings_(settings),
      description_(description),
      contexts_(population, description),
      sampler_(population, settings.seed),
      turn_numbers_(settings.seed, turn_stream) {
  const auto shard =
      distributed::block_shard(settings.batch, communicator.rank(), communicator.size());
  first_ = shard.begin;
  const auto count = static_cast<std::size_t>(shard.size());
  problems_.resize(count);
  const auto numbers = count * static_cast<std::size_t>(settings.points * description.dimension);
  x_.resize(numbers);
  y_.resize(numbers);
}

void ProblemBatches::draw(std::int64_t step) {
  const Standardization& standard = description_.standardization;
  const auto length = static_cast<std::size_t>(settings_.points * description_.dimension);
  turns_.clear();
  for (std::size_t k = 0; k < problems_.size(); ++k) {
    const std::int64_t number = step * settings_.batch + first_ + static_cast<std::int64_t>(k);
    problems_[k] = sampler_.problem(number);
    const std::span<float> x = std::span(x_).subspan(k * length, length),
                           y = std::span(y_).subspan(k * length, length);
    sampler_.points(problems_[k], true, number, settings_.points, standard.source, x.data());
    sampler_.points(problems_[k], false, number, settings_.points, standard.target, y.data());
    if (!settings_.turns) continue;
    turns_.emplace_back(description_.dimension, turn_numbers_, static_cast<std::uint64_t>(number));
    turns_.back().apply(x);
    turns_.back().apply(y);
  }
  seen_ = contexts_.of(problems_, turns_, step + 1);
}

}  // namespace otfleet
