#pragma once
#include <memory>

#include "distributed/shard.hpp"
#include "src/job.hpp"
#include "src/models/start_model.hpp"
#include "src/populations/population_view.hpp"

namespace otfleet {

/// A private copy of `model` after job.fine_tune.steps steps of meta-training on the problems of
/// `shard` alone, without the other ranks; the plain copy for an empty shard or no steps. Local:
/// the weights, and so the predictions, then depend on how a population is split over ranks.
std::unique_ptr<StartModel> fine_tune(const StartModel& model, const PopulationView& population,
                                      distributed::Shard shard, const Job& job);

}  // namespace otfleet
