#include "src/families/neural_dual/job_rules.hpp"

#include <spdlog/fmt/fmt.h>

#include <utility>

#include "src/job.hpp"

namespace otfleet {
namespace {

std::string complaint_of_samples(const Job& job) {
  const auto& samples = job.samples;
  const int given = !samples.pair.empty() + !samples.benchmark.empty() +
                    (!samples.source.empty() || !samples.target.empty());
  if (given > 1) return "only one of samples.pair, samples.benchmark, samples.source can be given";
  if (samples.source.empty() != samples.target.empty())
    return "samples.source and samples.target go together";
  return {};
}

std::string complaint_of_populations(const Job& job) {
  if (job.train.regularizer != Regularizer::none)
    return fmt::format("train.regularizer = '{}' needs problem = 'neural_dual'",
                       word_of(job.train.regularizer));
  if (job.train.loss == TrainingLoss::cycle || job.train.loss == TrainingLoss::none)
    return fmt::format("train.loss = '{}' needs problem = 'neural_dual'", word_of(job.train.loss));
  return {};
}

std::string predictor_complaint(const Job& job) {
  const bool learns = job.train.loss != TrainingLoss::none;
  const std::string loss = word_of(job.train.loss);
  if (learns && !job.model.has_predictor())
    return fmt::format("train.loss = '{}' needs a model.predictor; without one use 'none'", loss);
  if ((job.conjugate.solver == ConjugateMethod::none || job.conjugate.max_steps == 0) &&
      (!learns || job.train.loss == TrainingLoss::regression))
    return fmt::format(
        "conjugate.solver = 'none' leaves train.loss = '{}' without minimizers; use "
        "'objective' or 'cycle'",
        loss);
  return {};
}

std::string needs_samples_complaint(const Job& job) {
  const bool draws = job.problem.kind == ProblemKind::least_action;  // ends of paths
  if (!draws)
    for (const auto& [name, given] : {std::pair{"samples.pair", !job.samples.pair.empty()},
                                      std::pair{"samples.source", !job.samples.source.empty()},
                                      std::pair{"samples.target", !job.samples.target.empty()}})
      if (given) return fmt::format("{} needs problem = 'neural_dual' or 'least_action'", name);
  if (!job.samples.benchmark.empty()) return "samples.benchmark needs problem = 'neural_dual'";
  if (!job.map.points.empty() && !job.maps_by_plans())
    return "map.points needs problem = 'neural_dual' or 'linear'";
  return draws ? complaint_of_samples(job) : std::string();
}

/// What a map of a least-action cost cannot have.
std::string complaint_of_bent_paths(const Job& job) {
  if (!job.is_neural_dual()) return {};
  const bool predicts_paths = job.path.initializer == PathInitializer::model;
  if (predicts_paths && !(job.lagrangian.bends() && job.model.predictor == "mlp" &&
                          job.train.loss != TrainingLoss::none))
    return "path.initializer = 'model' needs a lagrangian.name, model.predictor = 'mlp' and "
           "train.loss = 'regression'";
  if (!job.lagrangian.bends()) return {};
  const std::string with = fmt::format("lagrangian.name = '{}'", job.lagrangian.name);
  if (!job.samples.benchmark.empty())
    return "samples.benchmark has maps of the squared distance; it does not go with " + with;
  if (job.sets("samples.standardize") && job.samples.standardize)
    return with + " needs samples.standardize = false: it is in the units of the points";
  if (job.sets("model.side") && job.model.side != PotentialSide::target)
    return with + " needs model.side = 'target'";
  if (job.model.architecture != "mlp")
    return fmt::format("{} needs model.architecture = 'mlp', not '{}'", with,
                       job.model.architecture);
  if (job.train.loss == TrainingLoss::objective || job.train.loss == TrainingLoss::cycle)
    return fmt::format("{} needs train.loss = 'regression' or 'none', not '{}'", with,
                       word_of(job.train.loss));
  if (job.train.regularizer != Regularizer::none) return with + " needs train.regularizer = 'none'";
  if (job.conjugate.solver != ConjugateMethod::lbfgs)
    return with + " needs conjugate.solver = 'lbfgs'";
  if (job.map.direction != MapDirection::forward)
    return with + " needs map.direction = 'forward': no gradient leads back";
  return {};
}

}  // namespace

void set_potential_defaults(Job& job) {
  job.model.architecture = "mlp";
  job.model.hidden = {128, 128, 64};
  job.train.batch = 1024;
  // Amos 2022 has Adam, 0.5 and 0.5; within minutes these come ten times as near on the
  // Wasserstein-2 benchmark.
  job.train.optimizer = OptimizerMethod::soap;
  job.train.beta2 = 0.99;
  job.train.weight_decay = 1e-4;
  job.train.clip = 0;
}

std::string potentials_complaint(const Job& job) {
  if (!job.is_neural_dual())
    if (auto complaint = needs_samples_complaint(job); !complaint.empty()) return complaint;
  if (!job.learns_potentials()) return complaint_of_populations(job);
  if (auto complaint = predictor_complaint(job); !complaint.empty()) return complaint;
  if (auto complaint = complaint_of_bent_paths(job); !complaint.empty()) return complaint;
  return job.is_neural_dual() ? complaint_of_samples(job) : std::string();
}

void settle_least_action(Job& job) {
  if (!job.is_neural_dual() || !job.lagrangian.bends()) return;
  job.model.side = PotentialSide::target;
  job.samples.standardize = false;
}

void settle_predictor(Job& job) {
  if (job.train.loss == TrainingLoss::none) job.model.predictor = no_predictor;
}

}  // namespace otfleet
