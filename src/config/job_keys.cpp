#include "src/config/job_keys.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "src/families/neural_dual/samplers/plane_pairs.hpp"
#include "src/populations/cost_statistic.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet::detail {
namespace {

// Checks return what the value must be, to follow "key = value: ", or an empty string.

constexpr std::int64_t most = 1'000'000'000;  // of anything counted here

auto integer(std::int64_t low, std::int64_t high = most) {
  return [=](std::int64_t value) -> std::string {
    if (value < low) return fmt::format("must be >= {}", low);
    if (value > high) return fmt::format("must be <= {}", high);
    return {};
  };
}

std::string above_zero(double value) {
  if (std::isnan(value) || std::isinf(value)) return "must be finite";
  return value > 0 ? "" : "must be > 0";
}

/// Its inverse, and its products with logarithms, are to be numbers, too.
std::string epsilon_in_range(double value) {
  if (const auto wrong = above_zero(value); !wrong.empty()) return wrong;
  return value >= 1e-300 && value <= 1e300 ? "" : "must be between 1e-300 and 1e300";
}

std::string share_or_none(double value) {
  return value >= 0 && value <= 1 ? "" : "must be in [0, 1]";
}

std::string share_below_one(double value) {
  return value >= 0 && value < 1 ? "" : "must be in [0, 1)";
}

std::string zero_or_more(double value) {
  if (std::isnan(value) || std::isinf(value)) return "must be finite";
  return value >= 0 ? "" : "must be >= 0";
}

std::string share(double value) {
  return value > 0 && value <= 1 ? "" : "must be in (0, 1]";
}

template <class Check>
auto every(Check check) {
  return [=](const auto& values) -> std::string {
    if (values.empty()) return "must not be empty";
    for (const auto& value : values) {
      if (const auto wrong = check(value); !wrong.empty()) return "every value " + wrong;
    }
    return {};
  };
}

std::string lengths(const std::vector<std::int64_t>& values) {
  if (values.size() > 3) return "must have at most three lengths";
  return values.empty() ? "" : every(integer(1, 65536))(values);
}

auto one_of(std::vector<std::string> choices) {
  return [choices = std::move(choices)](const std::string& value) -> std::string {
    if (std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
    return fmt::format("must be one of '{}'", fmt::join(choices, "', '"));
  };
}

std::vector<std::string> cost_names() {
  auto names = ground_cost_names();
  names.emplace_back("matrix");
  return names;
}

std::vector<std::string> epsilon_units() {
  auto names = cost_statistic_names();
  names.insert(names.begin(), "none");
  return names;
}

std::string known_initializers(const std::vector<std::string>& values) {
  auto choices = initializer_names();
  choices.emplace_back("all");
  return values.empty() ? "" : every(one_of(choices))(values);
}

std::string known_conventions(const std::vector<std::string>& values) {
  return values.empty() ? "" : every(one_of({"ott", "geomloss"}))(values);
}

std::string pair_or_none(const std::string& value) {
  return value.empty() ? "" : one_of(pair_names())(value);
}

constexpr auto anything = [](const auto&) { return std::string(); };

template <class Get, class Check>
Key make_key(std::string path, Get get, Check check, std::string doc) {
  return {std::move(path), [get](Job& job) -> Field { return &get(job); },
          [get, check](Job& job) -> std::string { return check(get(job)); }, std::move(doc)};
}

/// The keys with the parameters of all ground costs, after problem.cost.
std::vector<Key> with_cost_parameters(std::vector<Key> keys) {
  auto at = std::find_if(keys.begin(), keys.end(),
                         [](const Key& key) { return key.path == "problem.cost"; });
  for (const auto& cost : kernels::all_ground_costs())
    for_each_parameter(cost, [&](const kernels::ParameterFacts& facts, double usual) {
      const auto get = [name = std::string(facts.name), usual](Job& job) -> double& {
        return job.problem.cost_parameters.try_emplace(name, usual).first->second;
      };
      const auto check = [facts](double value) -> std::string {
        if (!std::isfinite(value)) return "must be finite";
        return allows(facts, value) ? "" : fmt::format("must be {}", facts.range);
      };
      at = keys.insert(at + 1,
                       make_key(std::string("problem.") + facts.name, get, check, facts.doc));
    });
  return keys;
}

}  // namespace

/// The path is the member's own name, so that it stands here once.
#define OTFLEET_KEY(member, check, doc) \
  make_key(                             \
      #member, [](Job & job) -> auto& { return job.member; }, check, doc)

// One key a line, longer than others are.
// clang-format off
const std::vector<Key>& job_keys() {
  static const std::vector<Key> table = with_cost_parameters({
    OTFLEET_KEY(seed, anything, "seed of every random choice"),
    OTFLEET_KEY(data.train.file, anything, "measures to train on, [M, n], [M, h, w] or [M, d, h, w]"),
    OTFLEET_KEY(data.train.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(data.test.file, anything, "measures to test on"),
    OTFLEET_KEY(data.test.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(data.train_target.file, anything, "target measures to train on; absent: same as the source's"),
    OTFLEET_KEY(data.train_target.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(data.test_target.file, anything, "target measures to test on; absent: same as the source's"),
    OTFLEET_KEY(data.test_target.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(data.cost.file, anything, "cost matrix [n, m], for problem.cost = \"matrix\""),
    OTFLEET_KEY(data.cost.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(data.points.file, anything, "source points [n, d], for problem.geometry = \"dense\" and \"points\""),
    OTFLEET_KEY(data.points.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(data.target_points.file, anything, "target points [m, d]; absent: the source's"),
    OTFLEET_KEY(data.target_points.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(problem.kind, one_of({"population", "potentials"}), "population: entropic problems in files; potentials: a map between distributions that are sampled (problem = \"potentials\" says the same)"),
    OTFLEET_KEY(problem.geometry, one_of({"grid", "dense", "points", "clouds"}), "of what make builds: grid, dense (a stored cost matrix) or points (costs computed on the fly). Other commands read it, the cost and the power from the population (also clouds: every measure has points of its own), and refuse a job that says otherwise"),
    OTFLEET_KEY(problem.cost, one_of(cost_names()), "between points, of what make builds; matrix: data.cost, dense only; a grid has squared_euclidean"),
    OTFLEET_KEY(problem.epsilon, epsilon_in_range, "entropic regularization, in units of the cost unless problem.epsilon_relative says otherwise; not set: 0.05 times the mean of the cost"),
    OTFLEET_KEY(problem.epsilon_relative, one_of(epsilon_units()), "what problem.epsilon is a multiple of: the mean, max, median or std (standard deviation) of the cost over all pairs of points; none: it is absolute, as wherever problem.epsilon alone is set"),
    OTFLEET_KEY(problem.tau_a, share, "rho/(rho + epsilon) of the penalty rho KL(P1 | a); 1: the marginal is exact"),
    OTFLEET_KEY(problem.tau_b, share, "the same for the target's marginal"),
    OTFLEET_KEY(problem.transported_share, share_or_none, "share of the smaller mass to transport, under both marginals; 0: no such constraint"),
    OTFLEET_KEY(samples.pair, pair_or_none, "a pair of distributions in the plane; potentials only, as all of samples"),
    OTFLEET_KEY(samples.benchmark, anything, "a file of the Wasserstein-2 benchmark, which has both sides and the true map"),
    OTFLEET_KEY(samples.source.file, anything, "samples of the source, [N, D]"),
    OTFLEET_KEY(samples.source.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(samples.target.file, anything, "samples of the target, [N, D]"),
    OTFLEET_KEY(samples.target.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(make.train_problems, integer(1), "random pairs to train on; as many as there are where these are fewer"),
    OTFLEET_KEY(make.test_problems, integer(1), "the same to test on"),
    OTFLEET_KEY(make.pairs.kind, one_of({"random", "one_to_all", "all_pairs"}), "which measures are paired, in both populations: random; one_to_all (make.pairs.one with every other, or with every target); all_pairs (every two once, or every source with every target). make.pairs = \"all_pairs\" says the same"),
    OTFLEET_KEY(make.pairs.one, integer(0), "the source measure of make.pairs = \"one_to_all\", from 0"),
    OTFLEET_KEY(make.pairs.file, anything, "the pairs themselves, integers [P, 2]: rows of the source and of the target measures, from 0"),
    OTFLEET_KEY(make.pairs.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(make.repeat_pairs, anything, "let random pairs repeat; otherwise each comes at most once"),
    OTFLEET_KEY(make.source_weights, one_of({"data", "uniform", "sparse_uniform", "equal"}), "data.train and data.test, or random: uniform(0, 1), half of them zero (sparse_uniform), all equal"),
    OTFLEET_KEY(make.target_weights, one_of({"data", "uniform", "sparse_uniform", "equal"}), "the same for the target; \"data\": data.train_target, or the source's measures"),
    OTFLEET_KEY(make.train_measures, integer(1), "random measures on each side to train on"),
    OTFLEET_KEY(make.test_measures, integer(1), "random measures on each side to test on"),
    OTFLEET_KEY(make.grid, lengths, "lengths of a grid's one to three axes, for random weights, and for data that looks like color images but is not"),
    OTFLEET_KEY(make.stretch, anything, "every axis of a grid spans [0, 1]; false: the longest does, and pixels are square"),
    OTFLEET_KEY(files.train_population, anything, "absent: DIR/../make/train.h5"),
    OTFLEET_KEY(files.test_population, anything, "absent: DIR/../make/test.h5"),
    OTFLEET_KEY(files.checkpoint, anything, "absent: DIR/../train/model.h5"),
    OTFLEET_KEY(model.architecture, one_of({"mlp", "pair_encoder", "icnn"}), "mlp or pair_encoder; for potentials mlp or icnn (input-convex)"),
    OTFLEET_KEY(model.hidden, every(integer(1, 65536)), "widths of the hidden layers; [128, 128, 64] for potentials"),
    OTFLEET_KEY(model.embedding, integer(1, 65536), "width of a measure's code, pair_encoder only"),
    OTFLEET_KEY(model.head, every(integer(1, 65536)), "widths of the head's hidden layers, pair_encoder only"),
    OTFLEET_KEY(model.output_rank, integer(0, 65536), "of the head's last layer, which costs (width + n) times this, pair_encoder only; 0: full"),
    OTFLEET_KEY(model.pooling, integer(1, 65536), "points along every axis of a grid whose weights the encoder sees as one sum, pair_encoder only"),
    OTFLEET_KEY(model.activation, one_of({"relu", "leaky_relu", "elu", "softplus", "silu"}), "of potentials and their predictors; silu is not convex"),
    OTFLEET_KEY(model.quadratic_rank, integer(0, 64), "of the quadratic of the input that every unit of an icnn adds; 0: none"),
    OTFLEET_KEY(model.predictor, one_of({"mlp", "icnn", "none"}), "of a conjugate's minimizer: y + mlp(y), the gradient of an icnn, or none (y itself)"),
    OTFLEET_KEY(model.predictor_hidden, every(integer(1, 65536)), "widths of its hidden layers"),
    OTFLEET_KEY(train.steps, integer(0), "steps of the optimizer"),
    OTFLEET_KEY(train.minutes, zero_or_more, "stop after this much wall time; 0: no limit"),
    OTFLEET_KEY(train.batch, integer(1), "problems per step over all ranks together; 1024 samples for potentials"),
    OTFLEET_KEY(train.loss, one_of({"regression", "objective", "cycle", "none"}), "regression: distance to what is solved; objective: minus the dual value, which needs no solution (potentials: f(x) - <x, y> at the prediction); potentials also: cycle (|grad f(x) - y|), none (no predictor)"),
    OTFLEET_KEY(train.target_threshold, above_zero, "L1 marginal error of the solved potentials, a share of the mass, for train.loss = \"regression\""),
    OTFLEET_KEY(train.conjugate_tolerance, above_zero, "conjugate.tolerance while training, which gains nothing from exact conjugates; potentials only"),
    OTFLEET_KEY(train.learning_rate, above_zero, "of Adam; 5e-3 for potentials"),
    OTFLEET_KEY(train.schedule, one_of({"cosine", "constant"}), "of the learning rate: cosine or constant"),
    OTFLEET_KEY(train.clip, zero_or_more, "global gradient norm; 0: none, as for potentials"),
    OTFLEET_KEY(train.beta1, share_below_one, "of Adam's first moment"),
    OTFLEET_KEY(train.beta2, share_below_one, "of its second moment; 0.99 for potentials"),
    OTFLEET_KEY(train.weight_decay, zero_or_more, "decoupled (AdamW), times the learning rate; 1e-4 for potentials"),
    OTFLEET_KEY(train.log_every, integer(1), "steps between two lines of the log"),
    OTFLEET_KEY(train.bucket_bytes, integer(0), "of gradients that ranks average together, as soon as the backward pass has them; 0: all, after it"),
    OTFLEET_KEY(train.augment, anything, "move grid measures by a few points at random"),
    OTFLEET_KEY(train.checkpoint_seconds, zero_or_more, "between two saves of an unfinished run; 0: every step"),
    OTFLEET_KEY(train.keep_checkpoints, integer(1), "how many of these saves are kept: a damaged one is passed over for the one before"),
    OTFLEET_KEY(solver.method, one_of({"auto", "sinkhorn", "newton"}), "auto: by predicted work, for each problem"),
    OTFLEET_KEY(solver.threshold, above_zero, "L1 marginal error to stop at, a share of the mass (of what is transported, where marginals need not be exact)"),
    OTFLEET_KEY(solver.inner_iterations, integer(1), "iterations between two stop tests"),
    OTFLEET_KEY(solver.max_iterations, integer(0), "iterations at most"),
    OTFLEET_KEY(solver.initializer, one_of(initializer_names()), "zeros; closed forms gaussian, gaussian_mixture, sorting (one dimension); solves of easier problems subsample, previous_epsilon; model"),
    OTFLEET_KEY(solver.acceleration, one_of({"momentum", "none"}), "of Sinkhorn's iteration: momentum or none"),
    OTFLEET_KEY(solver.doubtful_error, zero_or_more, "share of the mass: a prediction with a larger first error is compared with zeros, and the better one taken"),
    OTFLEET_KEY(solver.precision, one_of({"double", "float"}), "double or float; certificates are always double"),
    OTFLEET_KEY(solver.normalize, anything, "scale every measure of the population to mass 1 before solving, training or comparing; values are then those of mass 1"),
    OTFLEET_KEY(solver.shard, one_of({"auto", "problems", "rows"}), "what each rank gets: problems, or rows of every problem (populations of clouds only), for problems too large for a rank or fewer than ranks; auto: by predicted work"),
    OTFLEET_KEY(solver.checkpoint_seconds, zero_or_more, "between two saves of what an unfinished solve has solved; 0: after every block, and within a long one every second"),
    OTFLEET_KEY(conjugate.solver, one_of({"lbfgs", "adam", "none"}), "of a conjugate's minimizer, from the prediction on; none: the prediction. Potentials only, as all of conjugate"),
    OTFLEET_KEY(conjugate.tolerance, above_zero, "of the residual |grad f(x) - y| to stop at, in the units of y; training has its own"),
    OTFLEET_KEY(conjugate.max_steps, integer(0), "of each point"),
    OTFLEET_KEY(conjugate.memory, integer(1, 64), "pairs that L-BFGS keeps of each point"),
    OTFLEET_KEY(conjugate.line_search, one_of({"armijo", "wolfe"}), "of L-BFGS"),
    OTFLEET_KEY(conjugate.learning_rate, above_zero, "of Adam's first step, falling by a cosine"),
    OTFLEET_KEY(conjugate.precision, one_of({"mixed", "double", "float"}), "of solve and evaluate: mixed is float first (lbfgs), double in the end; training is in float"),
    OTFLEET_KEY(map.points.file, anything, "points [N, D] that solve pushes through a trained map; potentials only"),
    OTFLEET_KEY(map.points.dataset, anything, "its name inside an HDF5 file or .npz archive"),
    OTFLEET_KEY(map.direction, one_of({"forward", "backward"}), "from source to target, or back"),
    OTFLEET_KEY(fine_tune.steps, integer(0), "steps on the problems to solve, before solving; 0: none"),
    OTFLEET_KEY(fine_tune.learning_rate, above_zero, "of those steps"),
    OTFLEET_KEY(fine_tune.batch, integer(1), "problems per step, on each rank"),
    OTFLEET_KEY(solution.potentials, anything, "write f and g, not only the costs and errors"),
    OTFLEET_KEY(solution.plan, one_of({"none", "top_k", "threshold"}), "write the largest entries of the plans' rows, or those with at least a share of their row"),
    OTFLEET_KEY(solution.top_k, integer(1), "entries of a row, for solution.plan = \"top_k\""),
    OTFLEET_KEY(solution.plan_threshold, share, "of a row's mass, for solution.plan = \"threshold\""),
    OTFLEET_KEY(solution.projection, anything, "write the barycentric projection of the source points"),
    OTFLEET_KEY(solution.divergence, anything, "write the debiased Sinkhorn divergence OT(a, b) - OT(a, a)/2 - OT(b, b)/2: at least 0, and 0 for equal measures"),
    OTFLEET_KEY(solution.regularized, known_conventions, "write the regularized value as others define it: \"ott\", <C, P> + epsilon KL(P | a b'), OTT-JAX's reg_ot_cost; \"geomloss\", the same with squared distances halved. dual_value has <C, P> + epsilon sum P log P instead, for mass 1"),
    OTFLEET_KEY(solution.csv, anything, "write solution.csv, too: a row for each problem with every column of one number"),
    OTFLEET_KEY(evaluate.thresholds, every(above_zero), "L1 marginal errors, shares of the mass, to count iterations to"),
    OTFLEET_KEY(evaluate.initializers, known_initializers, "starts to compare; []: zeros, gaussian where it fits, and the model if there is one; [\"all\"]: all that fit"),
    OTFLEET_KEY(evaluate.trace_iterations, integer(1), "length of the error curves"),
    OTFLEET_KEY(evaluate.pictures, integer(0), "interpolated pairs to draw"),
    OTFLEET_KEY(evaluate.points, integer(2, 5000), "samples of each side between which distances are taken, for potentials; memory 70 bytes times its square"),
    OTFLEET_KEY(scale.ranks, every(integer(1, 1 << 20)), "rank counts to measure on; []: 1, 2, 4, ... and all there are"),
    OTFLEET_KEY(scale.commands, every(one_of({"solve", "train"})), "what to measure"),
    OTFLEET_KEY(scale.steps, integer(1), "steps of every training that is timed"),
    OTFLEET_KEY(scale.repetitions, integer(1), "of every run; the median counts"),
    OTFLEET_KEY(scale.predict_ranks, integer(1, 1 << 20), "ranks up to which throughput is predicted"),
  });
  return table;
}
// clang-format on
#undef OTFLEET_KEY

}  // namespace otfleet::detail

namespace otfleet {

const std::vector<std::string>& initializer_names() {
  static const std::vector<std::string> names = {
      "zeros", "gaussian", "gaussian_mixture", "sorting", "subsample", "previous_epsilon", "model"};
  return names;
}

}  // namespace otfleet
