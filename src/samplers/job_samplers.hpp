#pragma once
#include <optional>

#include "src/config/job.hpp"
#include "src/samplers/sampler.hpp"
#include "src/samplers/w2_benchmark.hpp"

namespace otfleet {

/// Which samples of the two distributions a job draws: those of training and of evaluation differ.
enum class SampleUse { train, evaluate };

/// The distributions that a job names under [samples]. Throws UserError: none, files that cannot be
/// read, sides of different dimensions. Local.
SamplerPair make_samplers(const Job& job, SampleUse use = SampleUse::train);

}  // namespace otfleet
