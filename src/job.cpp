#include "src/job.hpp"

#include <nlohmann/json.hpp>

#include "distributed/error.hpp"
#include "src/config/checks.hpp"
#include "src/config/key_reader.hpp"
#include "src/families/conditional_map/job_rules.hpp"
#include "src/families/neural_dual/job_rules.hpp"

namespace otfleet {
namespace {

/// Where a section that is named after a kind of problems has a key, and the job is of another
/// kind.
std::string section_complaint(const Job& job) {
  for (const auto kind : {ProblemKind::gromov_wasserstein, ProblemKind::sliced,
                          ProblemKind::low_rank, ProblemKind::semidiscrete})
    for (const auto& key : job.given)
      if (job.problem.kind != kind && key.starts_with(word_of(kind) + "."))
        return key + " needs problem.kind = '" + word_of(kind) + "'";
  return {};
}

/// What no key alone can be blamed for, as the owners of sections see it: the first complaint, or
/// empty.
std::string complaint_about(Job& job) {
  for (const auto complaint_of : {model_complaint, potentials_complaint, conditional_complaint,
                                  barycenter_complaint, problem_complaint, make_complaint,
                                  least_action_complaint, metric_complaint, section_complaint})
    if (auto complaint = complaint_of(job); !complaint.empty()) return complaint;
  return array_complaint(job_keys(job));
}

}  // namespace

KeyList job_keys(Job& job) {
  KeyList keys;
  keys.add("seed", job.seed, checks::anything, "seed of every random choice");
  keys.add_section("data", job.data);
  keys.add_section("problem", job.problem);
  keys.add_section("samples", job.samples);
  keys.add_section("make", job.make);
  keys.add_section("files", job.files);
  keys.add_section("model", job.model);
  keys.add_section("train", job.train);
  keys.add_section("solver", job.solver);
  keys.add_section("conjugate", job.conjugate);
  keys.add_section("map", job.map);
  keys.add_section("fine_tune", job.fine_tune);
  keys.add_section("solution", job.solution);
  keys.add_section("barycenter", job.barycenter);
  keys.add_section("gromov_wasserstein", job.gromov_wasserstein);
  keys.add_section("sliced", job.sliced);
  keys.add_section("low_rank", job.low_rank);
  keys.add_section("semidiscrete", job.semidiscrete);
  keys.add_section("lagrangian", job.lagrangian);
  keys.add_section("path", job.path);
  keys.add_section("metric", job.metric);
  keys.add_section("evaluate", job.evaluate);
  keys.add_section("scale", job.scale);
  return keys;
}

nlohmann::json Job::resolved() const {
  Job copy = *this;  // keys are bound to what may change
  return values_json(job_keys(copy));
}

std::vector<std::pair<std::string, std::filesystem::path>> Job::named_files() const {
  Job copy = *this;
  std::vector<std::pair<std::string, std::filesystem::path>> files;
  for (const auto& key : job_keys(copy))
    if (const auto* file = std::get_if<Path*>(&key.field); file != nullptr && !(*file)->empty())
      files.emplace_back(key.path, **file);
  return files;
}

Job Job::defaults(ProblemKind kind) {
  Job job;
  job.problem.kind = kind;
  if (job.learns_potentials()) set_potential_defaults(job);
  if (kind == ProblemKind::conditional_map) set_conditional_defaults(job);
  if (kind == ProblemKind::least_action) set_path_defaults(job);
  if (kind == ProblemKind::metric_learning) set_metric_defaults(job);
  if (kind == ProblemKind::gromov_wasserstein) set_gromov_wasserstein_defaults(job);
  if (kind == ProblemKind::sliced) set_sliced_defaults(job);
  if (kind == ProblemKind::low_rank) set_low_rank_defaults(job);
  if (kind == ProblemKind::semidiscrete) set_semidiscrete_defaults(job);
  return job;
}

namespace {

Job read_job(const JobText& text, const std::vector<std::string>& overrides) {
  const auto& file = text.file;
  const auto read = [&](Job job) {
    job.given = read_keys(job_keys(job), text, overrides);
    return job;
  };
  // Which defaults the job's other keys have is known when it has been read once.
  Job job = read(Job());
  if (job.problem.kind != Job().problem.kind) job = read(Job::defaults(job.problem.kind));
  settle_epsilon(job.problem, job.given, file.string());
  settle_lagrangian(job.lagrangian, job.given, file.string());
  split_array_names(job_keys(job));
  if (const auto complaint = complaint_about(job); !complaint.empty())
    throw UserError(file.string() + ": " + complaint);
  settle_predictor(job);
  settle_least_action(job);
  return job;
}

}  // namespace

Job read_job(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return read_job(read_job_text(file), overrides);
}

Job read_overrides(const std::string& name, const std::vector<std::string>& overrides) {
  return read_job(JobText{name, ""}, overrides);
}

std::string describe_keys() {
  Job defaults;
  return describe(job_keys(defaults));
}

}  // namespace otfleet
