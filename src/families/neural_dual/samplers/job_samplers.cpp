#include "src/families/neural_dual/samplers/job_samplers.hpp"

#include <spdlog/fmt/fmt.h>

#include <vector>

#include "distributed/error.hpp"
#include "src/data/fingerprint.hpp"
#include "src/families/neural_dual/samplers/array_sampler.hpp"
#include "src/families/neural_dual/samplers/plane_pairs.hpp"

namespace otfleet {

SamplerPair make_samplers(const Job& job, SampleUse use) {
  const auto& samples = job.samples;
  const auto seed = static_cast<std::uint64_t>(job.seed);
  const std::uint64_t stream = use == SampleUse::train ? 0 : 1;
  const SampleSequence sequence =
      use == SampleUse::train ? samples.sequence : SampleSequence::random;
  if (!samples.pair.empty()) return plane_pair(samples.pair, seed, stream, sequence);
  if (!samples.benchmark.empty())
    return W2Benchmark(samples.benchmark).samplers(seed, stream, sequence);
  if (samples.source.empty())
    throw UserError(
        "problem = 'neural_dual' needs two distributions: samples.pair, samples.benchmark, or "
        "samples.source.file and samples.target.file");
  SamplerPair pair;
  pair.source = array_sampler(samples.source, seed, source_stream(stream), sequence);
  pair.target = array_sampler(samples.target, seed, target_stream(stream), sequence);
  pair.name = fmt::format("{} to {}", samples.source.file.filename().string(),
                          samples.target.file.filename().string());
  if (pair.source->dimension() != pair.target->dimension())
    throw UserError(
        fmt::format("{} (samples.source) has points of dimension {}, {} "
                    "(samples.target) of {}",
                    samples.source.file.string(), pair.source->dimension(),
                    samples.target.file.string(), pair.target->dimension()));
  return pair;
}

std::string fingerprint(const SamplerPair& samplers) {
  constexpr std::int64_t count = 1024;
  Fnv hash;
  for (const Sampler* sampler : {samplers.source.get(), samplers.target.get()}) {
    std::vector<double> points(static_cast<std::size_t>(count * sampler->dimension()));
    sampler->fill(0, count, points.data());
    hash.add(points);
  }
  return hash.digits();
}

}  // namespace otfleet
