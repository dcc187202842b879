#include "src/trainers/fine_tuning.hpp"

#include "src/trainers/meta_trainer.hpp"

namespace otfleet {

PotentialModel fine_tune(const PotentialModel& model, const Population& population,
                         distributed::Shard shard, const Job& job) {
  PotentialModel copy = model.clone();
  if (shard.size() == 0 || job.fine_tune.steps == 0) return copy;
  const PairSampler sampler(population, shard, job.seed, /*augment=*/false);
  MetaTrainer trainer(
      {job.problem.epsilon, job.fine_tune.batch, job.fine_tune.learning_rate, job.train.clip},
      distributed::Communicator::self(), population, sampler, copy);
  for (std::int64_t step = 0; step < job.fine_tune.steps; ++step) trainer.step(1.0);
  return copy;
}

}  // namespace otfleet
