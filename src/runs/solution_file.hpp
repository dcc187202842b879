#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/hdf5_file.hpp"
#include "distributed/shard.hpp"
#include "distributed/staged_path.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"
#include "src/runs/solutions.hpp"

namespace otfleet {

/// What the file of a solution needs to know of its population.
struct SolutionLayout {
  std::int64_t problems = 0, coordinates = 0;
  std::int64_t n = 0, m = 0;  ///< points of every problem
  std::string fingerprint;
  std::vector<std::int32_t> source, target;  ///< [P]: the measures of a problem; empty for points
  /// [P + 1], where every problem has points of its own: where those of a problem begin; else
  /// empty.
  std::vector<std::int64_t> f_offsets, g_offsets;

  SolutionLayout(const Population& population);
  SolutionLayout(const CloudPopulation& population);
  /// Points that go through a map.
  SolutionLayout(std::int64_t points, std::int64_t dimension, std::string fingerprint);

  bool has_offsets() const { return !f_offsets.empty(); }
};

/// The solution of a population: one HDF5 file that all ranks write, rows in the population's order
/// whatever the rank count. Root attributes: otfleet_kind = "solution", otfleet_version = 1.
/// Attributes of /solution: epsilon, tau_a, tau_b, transported_share, threshold, normalize (1: of
/// measures scaled to mass 1), initializer, precision, population (file name), geometry
/// (fingerprint), status_0 … status_3 (what each status means). Datasets, P rows each;
/// /problems/source and /problems/target as in the population:
///   f [P, n], g [P, m]   float64, cost units; −inf where a weight is zero (only if asked for)
///   dual_value, transport_cost, upper_bound, lower_bound   float64, cost units times mass
///   marginal_error       float64, L1, share of the mass;  iterations, status   int32
///   projection [P, n, d] float64, coordinates of the target's points; NaN where a weight is zero
///                        (only if asked for)
///   divergence, regularized_ott, regularized_geomloss   float64, cost units times mass (only if
///                        asked for); see DerivedValues
/// Where every problem has points of its own, potentials and projections are flat, and what belongs
/// to problem k begins at offset k and ends at offset k + 1:
///   f, f_offsets   [N] float64, [P + 1] int64, N the sum of n;  g, g_offsets   likewise
///   projection [N, d]   with f_offsets
/// If entries of the plans are asked for, /plan with attributes rule (top_k or threshold) and its
/// value; row i of problem k has the entries offsets[k, i] up to before offsets[k, i + 1]:
///   offsets [P, n + 1]   int64;  kept_mass [P]   float64, share of the plan's mass
///   columns, values [entries]   int32, target points ascending; float64, mass
/// Where the problems are not balanced, instead of the bounds and the marginal error:
///   primal_value         float64, cost units times mass;  mass_potential   float64, cost units
///   transported_mass     float64, mass;  residual   float64, share of the transported mass
/// Of points that went through a trained map, a "problem" being a point: attributes of /solution
/// direction, tolerance, solver, precision, population (file name), geometry (of the points),
/// status_0 … status_4; datasets iterations, status and
///   image [P, D]         float64, where the point goes
///   value, residual, round_trip   float64; see MappedPoints
class SolutionFile {
 public:
  /// Creates the datasets under a temporary name; `plan_entries`: of all problems together.
  /// Collective. Throws UserError.
  SolutionFile(const std::filesystem::path& file, const distributed::Communicator& communicator,
               SolutionLayout layout, const Job& job, const std::string& population_name,
               std::int64_t plan_entries = 0);
  ~SolutionFile();

  /// Every rank writes rows of its own; an empty shard joins. `first_entry`: plan entries of all
  /// problems before. Collective.
  void write(distributed::Shard rows, Solutions solutions, std::int64_t first_entry = 0);

  /// Every rank writes its points of a problem that all solved together, all the same figures.
  /// Collective.
  void write_points(std::int64_t problem, distributed::Shard sources, distributed::Shard targets,
                    Solutions solutions);

  /// Gives the complete file its name. Collective.
  void commit();

 private:
  /// place(kind): the entries of arrays of that kind that this rank has.
  void write_arrays(const Solutions& solutions,
                    const std::function<distributed::Shard(SolutionRows kind)>& place);
  void create_points_datasets();
  void write_attributes(const Job& job, const std::string& population_name);

  distributed::Communicator communicator_;
  std::unique_ptr<distributed::StagedPath> staged_;  ///< rank 0
  std::unique_ptr<distributed::Hdf5File> file_;
  SolutionLayout layout_;
  SolutionContents contents_;
};

}  // namespace otfleet
