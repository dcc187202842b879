#pragma once
#include <string>

#include "src/families/neural_dual/samplers/sampler.hpp"
#include "src/families/neural_dual/samplers/w2_benchmark.hpp"
#include "src/job.hpp"

namespace otfleet {

/// Which samples of the two distributions a job draws: those of training and of evaluation differ,
/// but for arrays, of whose rows both draw.
enum class SampleUse { train, evaluate };

/// The distributions that a job names under [samples]. Throws UserError: none, files that cannot be
/// read, sides of different dimensions. Local.
SamplerPair make_samplers(const Job& job, SampleUse use = SampleUse::train);

/// 16 hex digits over the first samples of both sides: other distributions, or another seed, have
/// others, wherever their files lie. Local.
std::string fingerprint(const SamplerPair& samplers);

}  // namespace otfleet
