#include "src/trainers/fine_tuning.hpp"

#include "src/trainers/meta_trainer.hpp"

namespace otfleet {

std::unique_ptr<StartModel> fine_tune(const StartModel& model, const PopulationView& population,
                                      distributed::Shard shard, const Job& job) {
  auto copy = model.copy();
  if (shard.size() == 0 || job.fine_tune.steps == 0) return copy;
  MetaTrainerSettings settings = trainer_settings(job);
  settings.batch = job.fine_tune.batch;
  settings.optimizer.adam.learning_rate = job.fine_tune.learning_rate;
  MetaTrainer trainer(settings, distributed::Communicator::self(),
                      training_samples(population, settings.epsilon, shard, job.seed,
                                       /*augment=*/false, *copy),
                      *copy);
  for (std::int64_t step = 0; step < job.fine_tune.steps; ++step) trainer.step(1.0);
  return copy;
}

}  // namespace otfleet
