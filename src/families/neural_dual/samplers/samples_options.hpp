#pragma once
#include <filesystem>
#include <string>

#include "src/data/array_source.hpp"
#include "src/families/neural_dual/samplers/sample_sequence.hpp"

namespace otfleet {

/// [samples]: two distributions to sample from, for problem = "neural_dual": one of a pair's name,
/// a benchmark file, two arrays.
struct SamplesOptions {
  std::string pair;                                 // see pair_names()
  std::filesystem::path benchmark;                  // a file of the Wasserstein-2 benchmark
  ArraySource source, target;                       // points [N, D]
  SampleSequence sequence = SampleSequence::sobol;  // of training
  bool standardize = true;  // networks see samples with mean zero and variance one
};

void add_keys(KeyList& keys, SamplesOptions& samples);

}  // namespace otfleet
