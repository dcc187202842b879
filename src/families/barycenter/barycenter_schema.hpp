#pragma once
#include <string>

#include "src/families/barycenter/barycenter_population.hpp"
#include "src/families/barycenter/barycenter_solver.hpp"
#include "src/job.hpp"
#include "src/runs/solution_columns.hpp"

namespace otfleet {

/// The solution of a population of barycenters in a file. Columns:
///   weights [P, n]      mass of the barycenter at every point of the source side
///   f [N, n]            cost units; potentials on the barycenter's side, a row a measure of a
///                       problem, the first of problem k at measure_offsets[k] (only if asked for)
///   dual_value          cost units times mass; NaN where debiased or with tau < 1
///   mass                of the barycenter
///   residual            share of the mass;  iterations, status
/// Attributes of /solution: epsilon, tau, debiased, threshold, normalize, population (file name),
/// geometry (fingerprint), status_0 … status_3 (what each status means).
class BarycenterSchema {
 public:
  /// `population_name`: the file's.
  BarycenterSchema(const Job& job, const BarycenterPopulation& population,
                   const std::string& population_name);

  const SolutionLayout& layout() const { return layout_; }
  SolutionTable table(Barycenters barycenters) const;

 private:
  SolutionLayout layout_;
  SolutionColumns<Barycenters> columns_;
};

/// What rows of barycenters' columns stand for: the places of SolutionLayout::spaces.
enum class BarycenterRows : std::size_t { problem, measure };

void set_barycenter_rows(const MeasureSets& sets, SolutionLayout& layout);

/// The attributes that solutions of all barycenters have.
void set_barycenter_attributes(const Job& job, const std::string& population_name,
                               SolutionLayout& layout);

/// What barycenters depend on, as text; `content` says which problems.
std::string barycenter_identity(const Job& job, const std::string& content);

}  // namespace otfleet
