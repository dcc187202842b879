#include "src/trainers/train_options.hpp"

#include <cmath>
#include <numbers>

#include "src/config/checks.hpp"

namespace otfleet {

double rate_at(Schedule schedule, double progress) {
  if (schedule == Schedule::constant) return 1;
  return 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

void add_keys(KeyList& keys, TrainOptions& train) {
  using namespace checks;
  keys.add("steps", train.steps, integer(0), "steps of the optimizer");
  keys.add("minutes", train.minutes, zero_or_more, "stop after this much wall time; 0: no limit");
  keys.add(
      "batch", train.batch, integer(1),
      "problems per step over all ranks together; 1024 samples for neural_dual, 1024 paths for "
      "least_action, 8 problems for conditional_map, 128 points of every set for metric_learning");
  keys.add("points", train.points, integer(1),
           "samples of either side of a problem in a step; conditional_map only");
  keys.add("loss", train.loss,
           "regression: distance to what is solved; objective: minus the dual value, which needs "
           "no solution (neural_dual: f(x) - <x, y> at the prediction); neural_dual also: cycle "
           "(|grad f(x) - y|), none (no predictor)");
  keys.add("target_threshold", train.target_threshold, above_zero,
           "L1 marginal error of the solved potentials, a share of the mass, for train.loss = "
           "\"regression\"");
  keys.add("conjugate_tolerance", train.conjugate_tolerance, above_zero,
           "conjugate.tolerance while training, which gains nothing from exact conjugates; "
           "neural_dual only");
  keys.add("anneal_steps", train.anneal_steps, integer(0),
           "steps over which the barriers of [lagrangian] grow from nothing, and their edges get "
           "narrow; 0: they are there from the first; neural_dual and least_action only");
  keys.add("regularizer", train.regularizer,
           "expectile: keeps f(x) + f*(y) above <x, y> for pairs of samples (ENOT), for training "
           "without a conjugate.solver; neural_dual only");
  keys.add("expectile", train.expectile, share,
           "of the regularizer: its share of the square where a pair is below");
  keys.add("regularizer_weight", train.regularizer_weight, zero_or_more, "of the regularizer");
  keys.add("coupling", train.coupling,
           "of the samples of two sides in a step: entropic (drawn from the plan that the solvers "
           "find), exact (the best assignment) or independent; model.architecture = \"velocity\" "
           "only");
  keys.add("coupling_epsilon", train.coupling_epsilon, above_zero,
           "of the entropic coupling, times the mean cost between the two sides");
  keys.add("optimizer", train.optimizer,
           "adam, or soap: Adam in the eigenbasis of every weight matrix's gradients, more work a "
           "step and fewer steps; soap for neural_dual");
  keys.add("learning_rate", train.learning_rate, above_zero,
           "of the first step; 1e-2 for conditional_map, 5e-3 for metric_learning");
  keys.add("schedule", train.schedule, "of the learning rate: cosine or constant");
  keys.add("clip", train.clip, zero_or_more,
           "global gradient norm; 0: none, as for neural_dual and metric_learning");
  keys.add("beta1", train.beta1, share_below_one, "of Adam's first moment");
  keys.add("beta2", train.beta2, share_below_one, "of its second moment; 0.99 for neural_dual");
  keys.add("weight_decay", train.weight_decay, zero_or_more,
           "decoupled (AdamW), times the learning rate; 1e-4 for neural_dual");
  keys.add("log_every", train.log_every, integer(1), "steps between two lines of the log");
  keys.add("bucket_bytes", train.bucket_bytes, integer(0),
           "of gradients that ranks average together, as soon as the backward pass has them; 0: "
           "all, after it");
  keys.add("augment", train.augment, anything,
           "move grid measures by a few points at random; turn both measures of a problem, where a "
           "model of conditional maps sees them");
  keys.add("checkpoint_seconds", train.checkpoint_seconds, zero_or_more,
           "between two saves of an unfinished run; 0: every step");
  keys.add("keep_checkpoints", train.keep_checkpoints, integer(1),
           "how many of these saves are kept: a damaged one is passed over for the one before");
}

}  // namespace otfleet
