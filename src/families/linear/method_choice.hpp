#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/api/problems.hpp"
#include "src/families/linear/methods/method.hpp"
#include "src/families/linear/solver_options.hpp"

namespace otfleet {

struct CloudPopulation;
class PopulationRows;

/// How solver.method = "auto" is going to solve the problems of a population, and why.
///
/// Whether Sinkhorn's iteration will be quick cannot be known from outside: it depends on the
/// measures. So Sinkhorn runs first, for as long as Newton's method would take from scratch, and
/// what is not done by then is finished by Newton from where Sinkhorn stands: never more than about
/// twice the work of the better one. Where even an optimistic prediction for Sinkhorn is several
/// times above Newton's, Newton begins at once.
struct MethodChoice {
  /// A method for as many iterations; the next one goes on with what is not done by then.
  struct Stage {
    const Method* method;
    std::int64_t most_iterations;
  };
  std::vector<Stage> stages;  ///< at least one
  /// Why: one line for the report and the terminal.
  std::string reason;

  /// As reports spell it: "sinkhorn", "newton", "sinkhorn, then newton".
  std::string name() const;
};

/// What solver.method may be: automatic_method, and the names of all methods. Local.
std::vector<std::string> method_names();

/// Of clouds, a problem: from there on "auto" takes the multiscale solver, which is then quicker
/// (multiscale_benchmark) at every epsilon that was tried.
inline constexpr double fewest_multiscale_pairs = 2.5e7;

/// solver.method of a job that leaves the choice to choose_method().
inline constexpr const char* automatic_method = "auto";

/// The method of that name; null: "auto". Throws UserError: there is none. Local.
const Method* method_named(const std::string& name);

/// `measures` have the population's cost; `source_support` and `target_support` are the mean
/// numbers of points with weight. The work is predicted in multiply-adds from the sizes, epsilon,
/// the range of the cost and the threshold, with factors measured on digits and on the sphere.
/// Local.
MethodChoice choose_method(const kernels::Problems& measures, double epsilon, double source_support,
                           double target_support, const SolverOptions& solver);
/// Where every measure has points of its own, from their numbers alone; without points of zero
/// weight the choice is that of the function above.
MethodChoice choose_method(const CloudPopulation& outline, const SolverOptions& solver);
/// Where ranks solve each problem together: what one rank would take.
MethodChoice choose_method(const PopulationRows& population, const SolverOptions& solver);
/// Where costs are a table.
MethodChoice choose_method(const kernels::SeparableCost& cost, double epsilon,
                           double source_support, double target_support,
                           const SolverOptions& solver);

}  // namespace otfleet
