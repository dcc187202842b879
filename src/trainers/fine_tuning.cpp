#include "src/trainers/fine_tuning.hpp"

#include "src/trainers/meta_trainer.hpp"

namespace otfleet {

PotentialModel fine_tune(const PotentialModel& model, const Population& population,
                         distributed::Shard shard, const Job& job) {
  PotentialModel copy = model.clone();
  if (shard.size() == 0 || job.fine_tune.steps == 0) return copy;
  const PairSampler sampler(population, shard, job.seed, /*augment=*/false);
  MetaTrainerSettings settings = trainer_settings(job);
  settings.batch = job.fine_tune.batch;
  settings.optimizer.adam.learning_rate = job.fine_tune.learning_rate;
  MetaTrainer trainer(settings, distributed::Communicator::self(), population, sampler, copy);
  for (std::int64_t step = 0; step < job.fine_tune.steps; ++step) trainer.step(1.0);
  return copy;
}

}  // namespace otfleet
