#pragma once
#include "distributed/shard.hpp"
#include "src/job.hpp"
#include "src/models/potential_model.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// A private copy of `model` after job.fine_tune.steps steps of meta-training on the problems of
/// `shard` alone, without the other ranks; the plain copy for an empty shard or no steps. Local:
/// the weights, and so the predictions, then depend on how a population is split over ranks.
PotentialModel fine_tune(const PotentialModel& model, const Population& population,
                         distributed::Shard shard, const Job& job);

}  // namespace otfleet
