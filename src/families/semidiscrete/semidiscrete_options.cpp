#include "src/families/semidiscrete/semidiscrete_options.hpp"

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, SemidiscreteOptions& options) {
  using namespace checks;
  keys.add(
      "noise", options.noise,
      "what is transported to the points: gaussian (normal, of mean 0) or uniform (on the cube "
      "from -semidiscrete.scale to it)");
  keys.add("scale", options.scale, above_zero,
           "of the noise: its standard deviation along every coordinate, or half the cube's side");
  keys.add("epsilon", options.epsilon, zero_or_more,
           "entropic regularization, in units of the cost; 0: each sample goes to one point");
  keys.add("warm_start_coordinates", options.warm_start_coordinates, integer(0, 1000000),
           "begin with few of the points where they have at most so many coordinates; with more, a "
           "quadratic start is as good");
  keys.add("certificate_samples", options.certificate_samples, integer(0, 1000000000000),
           "fresh samples that judge each solution; 0: as many as the threshold needs");
  keys.add("assignments", options.assignments, integer(0, 1000000000),
           "samples of each problem whose points are stored");
  keys.add("store_noise", options.store_noise, anything,
           "store these samples, too, not their points alone");
}

void set_semidiscrete_defaults(Job& job) {
  job.problem.geometry = GeometryKind::clouds;
  job.make.pairs.kind = PairKind::each;
  job.solver.threshold = 0.1;
  job.solver.max_iterations = 2000;
}

}  // namespace otfleet
