#pragma once
#include <string>

#include "src/job.hpp"
#include "src/populations/cost.hpp"

namespace otfleet {

/// How solver.method = "auto" is going to solve the problems of a population, and why.
///
/// Whether Sinkhorn's iteration will be quick cannot be known from outside: it depends on the
/// measures. So Sinkhorn runs first, for as long as Newton's method would take from scratch, and
/// what is not done by then is finished by Newton from where Sinkhorn stands: never more than about
/// twice the work of the better one. Where even an optimistic prediction for Sinkhorn is several
/// times above Newton's, Newton begins at once.
struct MethodChoice {
  enum class Plan { sinkhorn, newton, sinkhorn_then_newton };
  Plan plan = Plan::sinkhorn;
  /// sinkhorn_then_newton: iterations before Newton takes over.
  int sinkhorn_iterations = 0;
  /// Why: one line for the report and the terminal.
  std::string reason;
};

/// As job files and reports spell it: "sinkhorn", "newton", "sinkhorn, then newton".
std::string method_name(MethodChoice::Plan plan);

/// `source_support` and `target_support` are the mean numbers of points with weight. The work is
/// predicted in multiply-adds from the sizes, epsilon, the range of the cost and the threshold,
/// with factors measured on digits and on the sphere. Local.
MethodChoice choose_method(const Cost& cost, double epsilon, double source_support,
                           double target_support, const Job::Solver& solver);

}  // namespace otfleet
