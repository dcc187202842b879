#pragma once
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace otfleet {

/// An array in a file the user holds: `dataset` names it inside an HDF5 file or .npz archive and
/// stays empty for .npy and IDX files (plain or gzipped), which hold one array.
struct ArraySource {
  std::filesystem::path file;
  std::string dataset;
  bool empty() const { return file.empty(); }
};

/// One job file, with the defaults filled in and --set overrides applied. Every key of the TOML
/// file is the path of a field here ("solver.threshold").
struct Job {
  std::int64_t seed = 0;

  struct Data {
    ArraySource train, test;                // images or weights: [M, n], [M, h, w], [M, d, h, w]
    ArraySource train_target, test_target;  // only when the target side has its own measures
    ArraySource cost;                       // dense: a matrix [n, m]
    ArraySource points, target_points;  // dense, points: [n, d], [m, d]; the target's default to
                                        // the source's
  } data;

  struct Problem {
    std::string kind = "population";         // population | potentials
    std::string geometry = "grid";           // grid | dense | points | clouds (not of make)
    std::string cost = "squared_euclidean";  // see GroundCost; dense also: matrix (data.cost)
    std::map<std::string, double> cost_parameters;  // by name; absent: the cost's usual one
    double epsilon = 0.05;                          // see epsilon_relative
    std::string epsilon_relative = "mean";  // none (epsilon is in units of the cost), or the
                                            // statistic of the cost of which it is a multiple
    double tau_a = 1, tau_b = 1;            // of the marginals' penalties; 1: exact marginals
    double transported_share = 0;  // of the smaller mass, the rest stays; 0: no such constraint

    /// What epsilon was before the population was known and it became absolute; no key.
    struct Relative {
      double epsilon = 0;
      std::string to;        // empty: it was absolute
      double statistic = 0;  // of the cost
    } given;

    /// Marginals are constraints, with equal masses?
    bool balanced() const { return tau_a == 1 && tau_b == 1 && transported_share == 0; }
  } problem;

  /// Two distributions to sample from, for problem = "potentials": one of a pair's name, a
  /// benchmark file, two arrays.
  struct Samples {
    std::string pair;                 // see pair_names()
    std::filesystem::path benchmark;  // a file of the Wasserstein-2 benchmark
    ArraySource source, target;       // points [N, D]
  } samples;

  struct Make {
    std::int64_t train_problems = 500000;
    std::int64_t test_problems = 1000;
    std::string source_weights = "data";  // data | uniform | sparse_uniform | equal
    std::string target_weights = "data";
    std::int64_t train_measures = 1000, test_measures = 1000;  // of random weights, on each side
    std::vector<std::int64_t> grid;  // lengths of the axes, when no data gives them
    struct Pairs : ArraySource {     // [P, 2], instead of a kind
      std::string kind = "random";   // random | one_to_all | all_pairs
      std::int64_t one = 0;          // one_to_all: the source
    } pairs;
    bool repeat_pairs = false;  // random pairs may come twice
    bool stretch = false;       // every axis of a grid spans [0, 1]; else the longest
  } make;

  struct Files {  // empty: found beside the output folder, where the earlier commands put them
    std::filesystem::path train_population;  // DIR/../make/train.h5
    std::filesystem::path test_population;   // DIR/../make/test.h5
    std::filesystem::path checkpoint;        // DIR/../train/model.h5
  } files;

  struct Model {
    std::string architecture = "mlp";  // mlp | pair_encoder | icnn
    std::vector<std::int64_t> hidden = {1024, 1024, 1024};
    std::int64_t embedding = 256;            // pair_encoder only
    std::vector<std::int64_t> head = {512};  // pair_encoder only
    std::int64_t output_rank = 0;            // pair_encoder only; 0: full
    std::int64_t pooling = 1;                // pair_encoder only, on grids; 1: none
    // Potentials only:
    std::string activation = "elu";   // see kernels::activation_of()
    std::int64_t quadratic_rank = 1;  // icnn: of every hidden unit's quadratic; 0: none
    std::string predictor = "mlp";    // of the conjugate's minimizer: mlp | icnn | none
    std::vector<std::int64_t> predictor_hidden = {128, 128};
  } model;

  struct Train {
    std::int64_t steps = 50000;
    double minutes = 0;                 // stop after this much wall time; 0: no limit
    std::int64_t batch = 128;           // problems per step over all ranks together
    std::string loss = "regression";    // regression | objective | cycle | none
    double target_threshold = 1e-3;     // regression: L1 marginal error of what is regressed onto
    double conjugate_tolerance = 0.03;  // potentials: conjugate.tolerance while training
    double learning_rate = 1e-3;
    std::string schedule = "cosine";  // cosine | constant
    double clip = 1.0;                // global gradient norm; 0: none
    double beta1 = 0.9, beta2 = 0.999, weight_decay = 0;
    std::int64_t log_every = 100;
    std::int64_t bucket_bytes = 262144;  // of gradients averaged together; 0: all
    bool augment = true;                 // move grid measures by a few points at random
    double checkpoint_seconds = 60;      // between two saves of an unfinished run
    std::int64_t keep_checkpoints = 3;
  } train;

  struct Solver {
    std::string method = "auto";  // auto | sinkhorn | newton
    double threshold = 1e-3;      // L1 marginal error, a share of the mass
    std::int64_t inner_iterations = 1;
    std::int64_t max_iterations = 2000;
    std::string acceleration = "momentum";  // momentum | none; Sinkhorn only
    std::string initializer = "zeros";      // see initializer_names()
    double doubtful_error = 0.25;      // share of the mass: a prediction with a larger first error
                                       // is compared with zeros
    std::string precision = "double";  // double | float; certificates are always double
    bool normalize = false;            // scale every measure to mass 1 before anything else
    std::string shard = "auto";        // auto | problems | rows: what ranks share, clouds only
    double checkpoint_seconds = 60;    // between two saves of an unfinished solve
  } solver;

  /// Minimizers of f(x) − <x, y>, problem = "potentials".
  struct Conjugate {
    std::string solver = "lbfgs";        // lbfgs | adam | none
    double tolerance = 1e-3;             // of |∇f(x) − y|, in solve and evaluate
    std::int64_t max_steps = 100;        // of each point
    std::int64_t memory = 10;            // lbfgs
    std::string line_search = "armijo";  // lbfgs: armijo | wolfe
    double learning_rate = 0.1;          // adam
    std::string precision = "mixed";     // of solve and evaluate: mixed | double | float
  } conjugate;

  /// What solve pushes through a trained map, problem = "potentials".
  struct Map {
    ArraySource points;                 // [N, D]
    std::string direction = "forward";  // forward | backward
  } map;

  struct FineTune {
    std::int64_t steps = 0;
    double learning_rate = 1e-4;
    std::int64_t batch = 128;
  } fine_tune;

  struct Solution {
    bool potentials = true;
    std::string plan = "none";             // none | top_k | threshold: which entries of the plans
    std::int64_t top_k = 1;                // entries of a row
    double plan_threshold = 0.01;          // share of a row's mass that an entry must have
    bool projection = false;               // barycentric projection of the source points
    bool divergence = false;               // debiased Sinkhorn divergence
    std::vector<std::string> regularized;  // values as others define them: ott, geomloss
    bool csv = false;                      // what has one number a problem, as a table too

    bool has_value(const std::string& convention) const {
      return std::find(regularized.begin(), regularized.end(), convention) != regularized.end();
    }
    bool derives_values() const { return divergence || !regularized.empty(); }
  } solution;

  struct Evaluate {
    std::vector<double> thresholds = {1e-2, 1e-3, 1e-6};
    std::vector<std::string> initializers;  // empty: zeros, gaussian where it fits, model if any;
                                            // "all": all that fit
    std::int64_t trace_iterations = 40;     // length of the error curves
    std::int64_t pictures = 4;              // interpolated pairs
    std::int64_t points = 2000;             // potentials: samples between which distances are taken
  } evaluate;

  struct Scale {
    std::vector<std::int64_t> ranks;  // to measure on; empty: 1, 2, 4, … and all there are
    std::vector<std::string> commands = {"solve", "train"};
    std::int64_t steps = 50;       // of every training run
    std::int64_t repetitions = 3;  // of every run; the median counts
    std::int64_t predict_ranks = 4096;
  } scale;

  /// Keys that the job file or an override gives, not a default.
  std::set<std::string> given;
  bool sets(const std::string& key) const { return given.count(key) > 0; }

  /// What a job that says nothing else means for a problem.kind.
  static Job defaults(const std::string& kind);

  bool seeks_potentials() const { return problem.kind == "potentials"; }

  /// Every file that the job names, with its key.
  std::vector<std::pair<std::string, std::filesystem::path>> named_files() const;

  /// Everything above under its TOML path, for report.json.
  nlohmann::json resolved() const;
};

/// What solver.initializer may be.
const std::vector<std::string>& initializer_names();

/// Reads a job file and applies overrides "key.path=value" in order (the value is read as TOML, or
/// as a plain string if that fails). Paths in the file are relative to its folder, paths in
/// overrides to the working folder. Throws UserError that names the file or override and the key:
/// unreadable TOML (with line), unknown keys (with the nearest known one), wrong types, values out
/// of range. `problem = "potentials"` is short for problem.kind. Local.
Job read_job(const std::filesystem::path& file, const std::vector<std::string>& overrides);

/// Throws UserError: "otfleet make: problem = 'potentials' …; use …". Local.
void require_population(const Job& job, const std::string& command, const std::string& instead);

/// Throws UserError, naming the key, when the job's problems are not balanced: "otfleet train:
/// problem.tau_a must be 1, …". Local.
void require_balanced(const Job& job, const std::string& command);

/// Throws UserError, naming the key, when the job's problems are not balanced and its solver
/// settings ask for what exists for balanced problems alone. Local.
void check_solver_fits(const Job& job);

/// A line for every key there is: path, default as JSON, meaning. Local.
std::string describe_keys();

}  // namespace otfleet
