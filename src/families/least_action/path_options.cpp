#include "src/families/least_action/path_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

void add_keys(KeyList& keys, PathOptions& path) {
  using namespace checks;
  add_array(keys, "from", path.from,
            "points [N, D] where paths begin; none: path.draws samples of samples.pair or of "
            "samples.source");
  add_array(keys, "to", path.to, "points where they end; as many unless path.pairs = \"all\"");
  keys.add(
      "pairs", path.pairs,
      "one_to_one: from every point to that of its number; all: from every point to every one, "
      "a path k of row k / M and column k % M");
  keys.add("draws", path.draws, integer(1), "samples of each side, where no files name points");
  keys.add("nodes", path.nodes, integer(3, 200), "of a path's cubic spline, both ends included");
  keys.add(
      "points", path.points, integer(3, 2000),
      "at which the action is summed while it is minimized, both ends included; walls that are "
      "thinner than a step need more");
  keys.add("starts", path.starts, integer(1, 15),
           "minimizations of a path, of which the best counts: from the straight line, and from "
           "bows to either side");
  keys.add(
      "initializer", path.initializer,
      "the first start: the straight line, or what a model predicts, with the straight line and "
      "bows after it; of neural_dual its predictor, which then learns paths as well; not for "
      "make");
  keys.add(
      "tries", path.tries, integer(0, 64),
      "of a map in solve and evaluate: samples of the target of which the best, or the "
      "prediction, is where the search for an image begins; more find cheaper images, fewer are "
      "nearer to what was trained; neural_dual only");
  keys.add("tolerance", path.tolerance, above_zero,
           "on the gradient's norm, in roots of the action's unit; images of a map have "
           "conjugate.tolerance");
  keys.add("max_steps", path.max_steps, integer(0), "of L-BFGS, of each minimization");
  keys.add("memory", path.memory, integer(1, 64), "pairs that L-BFGS keeps");
  keys.add("save", path.save, anything,
           "solutions hold the places of the nodes; false: what paths cost alone");
}

kernels::PathSettings PathOptions::settings() const {
  kernels::PathSettings settings;
  settings.nodes = static_cast<int>(nodes);
  settings.points = static_cast<int>(points);
  settings.starts = static_cast<int>(starts);
  settings.lbfgs.max_steps = static_cast<int>(max_steps);
  settings.lbfgs.memory = static_cast<int>(memory);
  settings.lbfgs.gradient_tolerance = tolerance;
  return settings;
}

}  // namespace otfleet
