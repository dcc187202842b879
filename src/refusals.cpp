#include "src/refusals.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <vector>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

/// Of which problems, or ways to share them, something is asked.
enum class Where {
  unbalanced,        ///< a marginal need not be exact
  uneven_marginals,  ///< and the two are not held alike
  clouds,            ///< every measure has points of its own
  rows,              ///< ranks share the rows of a problem
  barycenters,
  barycenters_with_penalties,  ///< tau below 1
  barycenters_with_two_taus,
  fixed_supports,  ///< of barycenters
  free_supports,
  other_pairs,  ///< problems of clouds that are not linear, or not solved as such: the next four
  gromov_wasserstein,
  sliced,
  low_rank,
  semidiscrete,
};

/// What cannot be asked for somewhere.
struct Refusal {
  Where where;
  const char* key;
  std::vector<std::string> fits;  ///< the values that can be
  const char* message;            ///< may have {key}, {value}, {instead}, {file}, {kind} and {have}
  const char* instead = "";
  std::string command = {};  ///< which does not have it; empty: any
};

constexpr const char* for_balanced =
    "{key} = '{value}' is for balanced problems; with problem.tau_a, problem.tau_b or "
    "problem.transported_share use '{instead}'";
constexpr const char* for_balanced_values =
    "{key} is for balanced problems; where problem.tau_a, problem.tau_b or "
    "problem.transported_share is set, dual_value and primal_value have OTT's convention";
constexpr const char* for_even_marginals =
    "{key} needs problem.tau_a = problem.tau_b and problem.transported_share = 0";
constexpr const char* for_shared_points =
    "{key} = '{value}' needs points that all problems share, but every measure of {file} has its "
    "own; use '{instead}'";
constexpr const char* for_whole_problems =
    "solver.shard = 'rows' has no {key}, which needs whole problems on one rank; use 'problems'";
constexpr const char* for_whole_measures =
    "solver.shard = 'rows': {key} = '{value}' needs all points of a measure on one rank; use "
    "'problems', or the start 'zeros' or 'previous_epsilon'";

constexpr const char* for_fixed_support =
    "{key} = '{value}' is for barycenters with fixed support; with barycenter.support = 'free' use "
    "'{instead}'";
constexpr const char* for_means =
    "{key} = '{value}': with barycenter.support = 'free' it must be '{instead}': points move to "
    "means, which minimize sums of no other cost";
constexpr const char* one_penalty =
    "problem.tau_a and {key} must be equal with problem = 'barycenter': one penalty holds both "
    "marginals of every plan";
constexpr const char* for_exact_marginals =
    "{key} = '{value}' needs problem.tau_a = problem.tau_b = 1: a debiased barycenter has exact "
    "marginals";
constexpr const char* for_files =
    "{key} = '{value}' needs barycenter.support = 'free': with fixed support all measures share "
    "their points";
constexpr const char* for_coordinates =
    "{key} = '{value}': with barycenter.support = 'free' points have coordinates; use '{instead}'";
constexpr const char* for_pairs =
    "{key} = '{value}' is for pairs of measures; with problem = 'barycenter' use '{instead}'";
constexpr const char* for_plans =
    "{key} is about plans between pairs of measures; solutions with problem = 'barycenter' have "
    "weights, potentials and residuals";
constexpr const char* for_training =
    "{key} is for training; with problem = 'barycenter' name the measures as data.test";
constexpr const char* for_targets =
    "{key} is for pairs of measures; with problem = 'barycenter' all measures are data.test's";
constexpr const char* for_pair_choice =
    "{key} is for pairs of measures; with problem = 'barycenter' barycenter.fewest_measures and "
    "barycenter.most_measures say how many a problem has";
constexpr const char* for_clouds =
    "{key} is for pairs of measures; with problem = 'barycenter' data are weights on common points";

constexpr const char* for_linear =
    "{key} = '{value}' is for linear problems; with problem = '{kind}' use '{instead}'";
constexpr const char* for_linear_outputs =
    "{key} is about linear problems; solutions with problem = '{kind}' have {have}";
constexpr const char* for_plan_entries =
    "{key} is about entries of plans; solutions with problem = '{kind}' have {have}";
constexpr const char* for_own_points =
    "{key} = '{value}': problem = '{kind}' needs points of every measure's own; use '{instead}'";

/// The table; the first row that a job meets is the one it is told.
const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> table = {
      {Where::unbalanced, "solver.method", {"auto"}, for_balanced, "auto"},
      {Where::unbalanced, "solver.precision", {"double"}, for_balanced, "double"},
      {Where::unbalanced, "solution.plan", {"none"}, for_balanced, "none"},
      {Where::unbalanced, "solution.projection", {"false"}, for_balanced, "false"},
      {Where::unbalanced, "solution.regularized", {"[]"}, for_balanced_values},
      {Where::uneven_marginals, "solution.divergence", {"false"}, for_even_marginals},
      {Where::clouds,
       "solver.method",
       {"auto", "sinkhorn", "multiscale"},
       for_shared_points,
       "sinkhorn"},
      {Where::rows, "solver.initializer", {"zeros", "previous_epsilon"}, for_whole_measures},
      {Where::rows, "solution.plan", {"none"}, for_whole_problems},
      {Where::rows, "solution.divergence", {"false"}, for_whole_problems},
      {Where::rows, "solution.regularized", {"[]"}, for_whole_problems},
      {Where::barycenters, "problem.transported_share", {"0"}, for_pairs, "0"},
      {Where::free_supports, "barycenter.debiased", {"false"}, for_fixed_support, "false"},
      {Where::free_supports, "problem.tau_a", {"1"}, for_fixed_support, "1"},
      {Where::free_supports, "problem.tau_b", {"1"}, for_fixed_support, "1"},
      {Where::free_supports, "problem.cost", {"squared_euclidean"}, for_means, "squared_euclidean"},
      {Where::free_supports,
       "problem.geometry",
       {"grid", "points", "clouds"},
       for_coordinates,
       "clouds",
       "make"},
      {Where::barycenters_with_two_taus, "problem.tau_b", {}, one_penalty},
      {Where::barycenters_with_penalties, "barycenter.debiased", {"false"}, for_exact_marginals},
      {Where::barycenters, "solver.initializer", {"zeros"}, for_pairs, "zeros"},
      {Where::barycenters, "solver.method", {"auto"}, for_pairs, "auto"},
      {Where::barycenters, "solver.precision", {"double"}, for_pairs, "double"},
      {Where::barycenters, "solver.shard", {"auto", "problems"}, for_pairs, "problems"},
      {Where::barycenters, "solution.plan", {"none"}, for_plans},
      {Where::barycenters, "solution.projection", {"false"}, for_plans},
      {Where::barycenters, "solution.divergence", {"false"}, for_plans},
      {Where::barycenters, "solution.regularized", {"[]"}, for_plans},
      {Where::fixed_supports,
       "problem.geometry",
       {"grid", "dense", "points"},
       for_files,
       "",
       "make"},
      {Where::barycenters, "data.train.file", {""}, for_training, "", "make"},
      {Where::barycenters, "data.train_target.file", {""}, for_training, "", "make"},
      {Where::barycenters, "data.test_target.file", {""}, for_targets, "", "make"},
      {Where::barycenters, "make.target_weights", {"data"}, for_targets, "", "make"},
      {Where::barycenters, "make.pixels", {"0"}, for_clouds, "", "make"},
      {Where::barycenters, "make.crops", {"0"}, for_clouds, "", "make"},
      {Where::barycenters, "make.thumbnails", {"0"}, for_clouds, "", "make"},
      {Where::barycenters, "make.pairs.kind", {"random"}, for_pair_choice, "", "make"},
      {Where::barycenters, "make.pairs.file", {""}, for_pair_choice, "", "make"},
      {Where::gromov_wasserstein,
       "problem.geometry",
       {"clouds", "dense"},
       for_own_points,
       "clouds",
       "make"},
      {Where::sliced, "problem.geometry", {"clouds"}, for_own_points, "clouds", "make"},
      {Where::low_rank, "problem.geometry", {"clouds"}, for_own_points, "clouds", "make"},
      {Where::semidiscrete, "problem.geometry", {"clouds"}, for_own_points, "clouds", "make"},
      {Where::semidiscrete,
       "problem.cost",
       {"squared_euclidean"},
       for_linear,
       "squared_euclidean",
       "make"},
      {Where::other_pairs, "problem.tau_a", {"1"}, for_linear, "1"},
      {Where::other_pairs, "problem.tau_b", {"1"}, for_linear, "1"},
      {Where::other_pairs, "problem.transported_share", {"0"}, for_linear, "0"},
      {Where::other_pairs, "solver.method", {"auto"}, for_linear, "auto"},
      {Where::other_pairs, "solver.initializer", {"zeros"}, for_linear, "zeros"},
      {Where::other_pairs, "solver.precision", {"double"}, for_linear, "double"},
      {Where::other_pairs, "solver.shard", {"auto", "problems"}, for_linear, "problems"},
      {Where::gromov_wasserstein, "solution.potentials", {"false"}, for_linear_outputs},
      {Where::sliced, "solution.potentials", {"false"}, for_linear_outputs},
      {Where::low_rank, "solution.potentials", {"false"}, for_linear_outputs},
      {Where::other_pairs, "solution.regularized", {"[]"}, for_linear_outputs},
      {Where::gromov_wasserstein, "solution.divergence", {"false"}, for_linear_outputs},
      {Where::sliced, "solution.divergence", {"false"}, for_linear_outputs},
      {Where::sliced, "solution.plan", {"none"}, for_plan_entries},
      {Where::sliced, "solution.projection", {"false"}, for_linear_outputs},
      {Where::low_rank, "solution.plan", {"none"}, for_plan_entries},
      {Where::semidiscrete, "solution.divergence", {"false"}, for_linear_outputs},
      {Where::semidiscrete, "solution.plan", {"none"}, for_plan_entries},
      {Where::semidiscrete, "solution.projection", {"false"}, for_linear_outputs},
  };
  return table;
}

/// Problems of pairs that are not linear, or not solved as such.
struct OtherPairs {
  ProblemKind kind;
  Where where;
  const char* have;  ///< what their solutions have beside costs and bounds
};

constexpr OtherPairs other_pairs[] = {
    {ProblemKind::gromov_wasserstein, Where::gromov_wasserstein,
     "solution.plan and solution.projection"},
    {ProblemKind::sliced, Where::sliced, "distances and directions"},
    {ProblemKind::low_rank, Where::low_rank,
     "clusters, solution.projection and solution.divergence"},
    {ProblemKind::semidiscrete, Where::semidiscrete,
     "solution.potentials and semidiscrete.assignments"},
};

/// What is said of the solutions of a kind, or empty.
std::string what_solutions_have(ProblemKind kind) {
  for (const auto& other : other_pairs)
    if (other.kind == kind) return other.have;
  return {};
}

/// A command that problems of a kind do not have.
struct CommandRefusal {
  ProblemKind kind;
  const char* command;
  const char* instead;  ///< why, or what to do
};

constexpr CommandRefusal command_refusals[] = {
    {ProblemKind::neural_dual, "make", "it draws samples as it goes, begin with otfleet train"},
    {ProblemKind::neural_dual, "scale",
     "run otfleet train on several rank counts and compare reports"},
    {ProblemKind::conditional_map, "scale",
     "run otfleet train on several rank counts and compare reports"},
    {ProblemKind::least_action, "make", "it takes points; begin with otfleet solve"},
    {ProblemKind::least_action, "scale",
     "run otfleet solve on several rank counts and compare reports"},
    {ProblemKind::metric_learning, "make", "it takes sets of points; begin with otfleet train"},
    {ProblemKind::metric_learning, "solve",
     "its metric is a Lagrangian: problem = 'least_action' with lagrangian.name = 'directions'"},
    {ProblemKind::metric_learning, "scale",
     "run otfleet train on several rank counts and compare reports"},
    {ProblemKind::sliced, "train", "no model predicts directions yet; otfleet solve"},
    {ProblemKind::sliced, "evaluate",
     "every row of otfleet solve has its bound; compare solutions"},
    {ProblemKind::sliced, "scale", "run otfleet solve on several rank counts and compare reports"},
    {ProblemKind::low_rank, "train", "no model predicts its factors; otfleet solve"},
    {ProblemKind::low_rank, "evaluate",
     "every row of otfleet solve has its bounds; compare solutions"},
    {ProblemKind::low_rank, "scale",
     "run otfleet solve on several rank counts and compare reports"},
    {ProblemKind::semidiscrete, "train", "no model predicts its potentials; otfleet solve"},
    {ProblemKind::semidiscrete, "evaluate",
     "every row of otfleet solve has its bounds; compare solutions"},
    {ProblemKind::semidiscrete, "scale",
     "run otfleet solve on several rank counts and compare reports"},
    {ProblemKind::gromov_wasserstein, "train", "no model predicts its plans; otfleet solve"},
    {ProblemKind::gromov_wasserstein, "evaluate",
     "every row of otfleet solve has its bounds; compare solutions"},
    {ProblemKind::gromov_wasserstein, "scale",
     "run otfleet solve on several rank counts and compare reports"},
    {ProblemKind::barycenter, "train",
     "no model predicts barycenters, and they need none; solve them with otfleet solve"},
    {ProblemKind::barycenter, "evaluate",
     "there is one start, and every row of otfleet solve has its residual; compare solutions"},
    {ProblemKind::barycenter, "scale",
     "run otfleet solve on several rank counts and compare reports"},
};

/// The first refusal of one of the places that the job meets, or empty.
std::string refused(Job job, const std::vector<Where>& places, const std::string& file = {},
                    const std::string& command = {}) {
  const KeyList keys = job_keys(job);
  for (const auto& refusal : refusals()) {
    if (std::find(places.begin(), places.end(), refusal.where) == places.end()) continue;
    if (!refusal.command.empty() && refusal.command != command) continue;
    const std::string value = to_text(keys.find(refusal.key)->field);
    if (std::find(refusal.fits.begin(), refusal.fits.end(), value) != refusal.fits.end()) continue;
    return fmt::format(fmt::runtime(refusal.message), fmt::arg("key", refusal.key),
                       fmt::arg("value", value), fmt::arg("instead", refusal.instead),
                       fmt::arg("file", file), fmt::arg("kind", word_of(job.problem.kind)),
                       fmt::arg("have", what_solutions_have(job.problem.kind)));
  }
  return {};
}

void refuse(const Job& job, const std::vector<Where>& places, const std::string& file = {},
            const std::string& command = {}) {
  if (const auto text = refused(job, places, file, command); !text.empty()) throw UserError(text);
}

}  // namespace

void check_command_fits(const Job& job, const std::string& command) {
  for (const auto& refusal : command_refusals)
    if (job.problem.kind == refusal.kind && command == refusal.command)
      throw UserError(fmt::format("otfleet {}: not for problem = '{}'; {}", command,
                                  word_of(refusal.kind), refusal.instead));
  for (const auto& other : other_pairs)
    if (job.problem.kind == other.kind) refuse(job, {other.where, Where::other_pairs}, {}, command);
  if (job.problem.kind != ProblemKind::barycenter) return;
  std::vector<Where> places = {Where::barycenters, job.barycenter.support == BarycenterSupport::free
                                                       ? Where::free_supports
                                                       : Where::fixed_supports};
  if (job.problem.tau_a < 1) places.push_back(Where::barycenters_with_penalties);
  if (job.problem.tau_a != job.problem.tau_b) places.push_back(Where::barycenters_with_two_taus);
  refuse(job, places, {}, command);
}

void require_balanced(const Job& job, const std::string& command) {
  if (job.problem.balanced()) return;
  throw UserError(
      fmt::format("otfleet {}: problem.tau_a and problem.tau_b must be 1 and "
                  "problem.transported_share 0: only 'otfleet solve' knows other problems",
                  command));
}

void check_solver_fits(const Job& job) {
  const auto& problem = job.problem;
  if (problem.balanced()) return;
  std::vector<Where> places = {Where::unbalanced};
  if (problem.transported_share > 0 || problem.tau_a != problem.tau_b)
    places.push_back(Where::uneven_marginals);
  refuse(job, places);
}

void check_clouds_fit(const Job& job, const std::filesystem::path& file) {
  refuse(job, {Where::clouds}, file.string());
}

void check_rows_fit(const Job& job) {
  refuse(job, {Where::rows});
}

bool rows_fit(const Job& job) {
  return refused(job, {Where::rows}).empty();
}

}  // namespace otfleet
