#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/commands/evaluate_options.hpp"
#include "src/config/key_list.hpp"
#include "src/data/data_options.hpp"
#include "src/families/barycenter/barycenter_options.hpp"
#include "src/families/gromov_wasserstein/gromov_wasserstein_options.hpp"
#include "src/families/least_action/lagrangian_options.hpp"
#include "src/families/least_action/path_options.hpp"
#include "src/families/linear/solver_options.hpp"
#include "src/families/low_rank/low_rank_options.hpp"
#include "src/families/metric_learning/metric_options.hpp"
#include "src/families/neural_dual/conjugate_options.hpp"
#include "src/families/neural_dual/map_options.hpp"
#include "src/families/neural_dual/samplers/samples_options.hpp"
#include "src/families/problem_options.hpp"
#include "src/families/semidiscrete/semidiscrete_options.hpp"
#include "src/families/sliced/sliced_options.hpp"
#include "src/models/model_options.hpp"
#include "src/populations/make_options.hpp"
#include "src/runs/files_options.hpp"
#include "src/runs/solution_options.hpp"
#include "src/scaling/scale_options.hpp"
#include "src/trainers/fine_tune_options.hpp"
#include "src/trainers/train_options.hpp"

namespace otfleet {

/// One job file, with the defaults filled in and --set overrides applied. Every key of the TOML
/// file is the path of a field here ("solver.threshold"). A section is a struct of its owner, which
/// also lists its keys; a new one is a member here and a line in job_keys().
struct Job {
  std::int64_t seed = 0;

  DataOptions data;
  ProblemOptions problem;
  SamplesOptions samples;
  MakeOptions make;
  FilesOptions files;
  ModelOptions model;
  TrainOptions train;
  SolverOptions solver;
  ConjugateOptions conjugate;
  MapOptions map;
  FineTuneOptions fine_tune;
  SolutionOptions solution;
  BarycenterOptions barycenter;
  GromovWassersteinOptions gromov_wasserstein;
  SlicedOptions sliced;
  LowRankOptions low_rank;
  SemidiscreteOptions semidiscrete;
  LagrangianOptions lagrangian;
  PathOptions path;
  MetricOptions metric;
  EvaluateOptions evaluate;
  ScaleOptions scale;

  /// Keys that the job file or an override gives, not a default.
  std::set<std::string> given;
  bool sets(const std::string& key) const { return given.count(key) > 0; }

  /// What a job that says nothing else means for a problem.kind.
  static Job defaults(ProblemKind kind);

  bool is_neural_dual() const { return problem.kind == ProblemKind::neural_dual; }
  /// Is its model one of potentials whose gradients are maps?
  bool learns_potentials() const {
    return is_neural_dual() || problem.kind == ProblemKind::conditional_map;
  }

  /// Does `solve` take points through plans that were solved before?
  bool maps_by_plans() const { return problem.kind == ProblemKind::linear && !map.points.empty(); }

  /// Every file that the job names, with its key.
  std::vector<std::pair<std::string, std::filesystem::path>> named_files() const;

  /// Everything above under its TOML path, for report.json.
  nlohmann::json resolved() const;
};

/// The one table of keys, bound to `job`; reading, overrides, suggestions, Job::resolved() and
/// describe_keys() all come from it. Local.
KeyList job_keys(Job& job);

/// Reads a job file and applies overrides, as read_keys() says, then fills in what depends on
/// problem.kind and checks what sections say of each other. Throws UserError. Local.
Job read_job(const std::filesystem::path& file, const std::vector<std::string>& overrides);

/// The same of overrides alone; messages begin with `name`.
Job read_overrides(const std::string& name, const std::vector<std::string>& overrides);

/// A line for every key there is: path, default as JSON, meaning. Local.
std::string describe_keys();

}  // namespace otfleet
