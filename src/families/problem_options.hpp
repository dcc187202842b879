#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>

#include "kernels/geometry/ground_cost.hpp"
#include "src/config/key_list.hpp"
#include "src/populations/cost_statistic.hpp"
#include "src/populations/geometry_kind.hpp"

namespace otfleet {

struct Job;

/// Which family of problems a job is about: entropic problems in files, a map between distributions
/// that are sampled, maps of many problems in files from one model, barycenters of measures in
/// files, paths between points, a metric in which sets of points move, or plans between spaces of
/// which only costs within each are known, distances along directions, plans of low rank, or
/// transport of noise to points.
enum class ProblemKind {
  linear,
  neural_dual,
  conditional_map,
  barycenter,
  least_action,
  metric_learning,
  gromov_wasserstein,
  sliced,
  low_rank,
  semidiscrete
};

template <>
struct Choices<ProblemKind> {
  static constexpr Choice<ProblemKind> list[] = {
      {"linear", ProblemKind::linear},
      {"neural_dual", ProblemKind::neural_dual},
      {"conditional_map", ProblemKind::conditional_map},
      {"barycenter", ProblemKind::barycenter},
      {"least_action", ProblemKind::least_action},
      {"metric_learning", ProblemKind::metric_learning},
      {"gromov_wasserstein", ProblemKind::gromov_wasserstein},
      {"sliced", ProblemKind::sliced},
      {"low_rank", ProblemKind::low_rank},
      {"semidiscrete", ProblemKind::semidiscrete},
      {"population", ProblemKind::linear, true},
      {"potentials", ProblemKind::neural_dual, true}};
};

inline constexpr const char* problem_kind_doc =
    "linear: transport between measures in files; neural_dual: a map between distributions that "
    "are sampled; conditional_map: one model of the maps of all problems in a file, which depend "
    "on "
    "what describes a problem; barycenter: Wasserstein barycenters of measures in files (problem = "
    "\"barycenter\" says the same); least_action: paths of least action between points; "
    "metric_learning: a metric of the plane from sets of points that move; gromov_wasserstein: "
    "plans "
    "between clouds of points that compare costs within each, wherever the clouds lie; sliced: "
    "distances "
    "between clouds of points along directions; low_rank: plans of low rank between clouds of any "
    "size; semidiscrete: noise that is sampled to clouds of points";

/// [problem]
struct ProblemOptions {
  ProblemKind kind = ProblemKind::linear;
  GeometryKind geometry = GeometryKind::grid;
  /// None: a matrix (data.cost), dense only.
  std::optional<kernels::GroundCost> cost = kernels::SquaredEuclideanCost{};
  bool least_action = false;                             // the matrix has what paths cost
  std::map<std::string, double> cost_parameters;         // by name, those of all ground costs
  double epsilon = 0.05;                                 // see epsilon_relative
  CostStatistic epsilon_relative = CostStatistic::mean;  // of which epsilon is a multiple; none: it
                                                         // is in units of the cost
  double tau_a = 1, tau_b = 1;   // of the marginals' penalties; 1: exact marginals
  double transported_share = 0;  // of the smaller mass, the rest stays; 0: no such constraint

  /// What epsilon was before the population was known and it became absolute; no key.
  struct Relative {
    double epsilon = 0;
    CostStatistic to = CostStatistic::none;  // none: it was absolute
    double statistic = 0;                    // of the cost
  } given;

  /// Marginals are constraints, with equal masses?
  bool balanced() const { return tau_a == 1 && tau_b == 1 && transported_share == 0; }
};

void add_keys(KeyList& keys, ProblemOptions& problem);

/// What jobs call the cost that make builds. Local.
std::string cost_word_of(const ProblemOptions& problem);

/// What epsilon means where only one of its keys is among those that are `given`, or none: a number
/// alone is absolute. Throws UserError, which begins with the name of the job file. Local.
void settle_epsilon(ProblemOptions& problem, const std::set<std::string>& given,
                    const std::string& file);

/// What is wrong with the section in the whole job, or empty. Local.
std::string problem_complaint(const Job& job);

}  // namespace otfleet
