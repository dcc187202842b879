#include "src/families/neural_dual/samplers/samples_options.hpp"

#include "src/config/checks.hpp"
#include "src/families/neural_dual/samplers/plane_pairs.hpp"

namespace otfleet {
namespace {

std::string pair_or_none(const std::string& value) {
  return value.empty() ? "" : checks::one_of(pair_names())(value);
}

}  // namespace

void add_keys(KeyList& keys, SamplesOptions& samples) {
  using namespace checks;
  keys.add("pair", samples.pair, pair_or_none,
           "a pair of distributions in the plane; neural_dual only, as all of samples");
  keys.add("benchmark", samples.benchmark, anything,
           "a file of the Wasserstein-2 benchmark, which has both sides and the true map");
  add_array(keys, "source", samples.source, "samples of the source, [N, D]");
  add_array(keys, "target", samples.target, "samples of the target, [N, D]");
  keys.add("sequence", samples.sequence,
           "how training draws: sobol spreads samples evenly (every row of a file once before any "
           "comes again), random draws them independently, as evaluate does");
  keys.add(
      "standardize", samples.standardize, anything,
      "networks see both sides with mean zero and a mean variance of one a coordinate, whatever "
      "their units");
}

}  // namespace otfleet
