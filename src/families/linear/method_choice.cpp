#include "src/families/linear/method_choice.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "distributed/error.hpp"
#include "kernels/api/solvers.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "src/config/nearest_name.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/methods/list.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population_rows.hpp"

namespace otfleet {
namespace {

// Work in units of one multiply-add of a matrix product, from newton_benchmark and
// sinkhorn_benchmark on one core in double.
constexpr double newton_entry = 12;  ///< a cost looked at in a pass
constexpr double newton_cube = 0.7;  ///< n'^3 of a pass: the factorization
constexpr double point_update = 60;  ///< one point of one side in a Sinkhorn iteration
/// Below the scaling path's epsilon an iteration on a grid costs twice as much; on a dense cost
/// most sums need exponents of their own.
constexpr double extended_grid = 2, extended_dense = 8;
constexpr double usual_smallest_weight = 1e-5;
/// Newton's memory is n'^2 and n' m' numbers a team; larger problems are Sinkhorn's.
constexpr double most_newton_rows = 2000, most_newton_entries = 2e8;
/// Sinkhorn is not even tried when its optimistic prediction is that many times Newton's.
constexpr double hopeless = 4;

/// The range of the costs in units of epsilon. Beyond 1e15 no solver tells costs apart: predictions
/// need not go further, and stay finite.
double relative_range(const kernels::SeparableCost& cost, double epsilon) {
  constexpr double most = 1e15;
  const double ratio = cost.range() / epsilon;
  return ratio <= most ? ratio : most;
}

/// "about 3,400", or how much it is at least: a prediction has two digits, if that.
std::string about(double count) {
  constexpr double most = 1e6;
  if (!(count < most)) return "more than a million";
  const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(std::max(count, 1.0))) - 1));
  return fmt::format("about {:.0f}", std::round(count / unit) * unit);
}

double newton_work(double rows, double columns, double relative_range, double threshold) {
  const double passes = 5 + std::log2(1 + relative_range) / 2 - std::log10(threshold) / 2;
  return std::max(passes, 4.0) * (newton_entry * rows * columns + newton_cube * rows * rows * rows);
}

/// An iteration on whole grids, reduced by the share of the axes that supports of this size leave.
double iteration_work(const kernels::SeparableCost& cost, double epsilon, double source,
                      double target) {
  double forward = 1, work = 0;
  for (const auto& axis : cost.axes()) forward *= axis.n;
  for (const auto& axis : cost.axes()) {
    forward = forward / axis.n * axis.m;
    work += 2 * forward * axis.n;
  }
  const double axes = static_cast<double>(cost.axes().size());
  const double filled = std::sqrt(source / cost.n() * target / cost.m());
  // A support that fills a share s of a grid lies in a box of about twice that share.
  const double share = axes == 1 ? 1.0 : std::pow(std::min(1.0, 2 * filled), 1 + 1 / axes);
  const bool safe = kernels::scaling_is_safe<double>(cost, epsilon, usual_smallest_weight);
  const double path = safe ? 1 : axes == 1 ? extended_dense : extended_grid;
  return work * share * path + point_update * (source + target);
}

/// Accelerated, from zeros; without momentum the square root goes.
double predicted_iterations(double relative_range, const SolverOptions& solver) {
  const double condition = 1 + relative_range;
  const double digits = std::log(1 + 1 / solver.threshold);
  return solver.acceleration == Acceleration::momentum ? 0.15 * std::sqrt(condition) * digits
                                                       : 0.06 * condition * digits;
}

}  // namespace

std::string MethodChoice::name() const {
  std::string text;
  for (const Stage& stage : stages)
    text += (text.empty() ? "" : ", then ") + std::string(stage.method->name());
  return text;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names = {automatic_method};
  for (const auto* method : methods::list()) names.emplace_back(method->name());
  return names;
}

const Method* method_named(const std::string& name) {
  if (name == automatic_method) return nullptr;
  for (const auto* method : methods::list())
    if (name == method->name()) return method;
  const auto near = nearest_name(name, method_names());
  throw UserError(
      fmt::format("no method is called '{}'; there are {}", name, fmt::join(method_names(), ", ")) +
      (near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

namespace {

[[noreturn]] void refuse_method(const Method& method, const std::string& complaint) {
  throw UserError(
      fmt::format("solver.method = '{}': {}; use 'sinkhorn'", method.name(), complaint));
}

/// Throws UserError where a method that a job asks for cannot solve these problems.
void require_fits(const Method* asked, const kernels::Problems& measures) {
  if (asked == nullptr) return;
  const auto complaint = asked->complaint(measures);
  if (!complaint.empty()) refuse_method(*asked, complaint);
}

/// `complaint`: of the multiscale solver about the clouds.
MethodChoice choose_for_clouds(const std::string& complaint, double source_support,
                               double target_support, const SolverOptions& solver) {
  const std::int64_t most = solver.max_iterations;
  if (const Method* asked = method_named(solver.method))
    return {{{asked, most}}, "solver.method asks for it"};
  const bool large = source_support * target_support >= fewest_multiscale_pairs;
  if (!large || !complaint.empty() || !initializer_named(solver.initializer).is_zero())
    return {{{&methods::sinkhorn(), most}}, "every measure has points of its own"};
  return {{{&methods::multiscale(), most}},
          fmt::format("clouds of {:.0f} and {:.0f} points on average are large enough to be "
                      "coarsened",
                      source_support, target_support)};
}

/// Where costs are computed on the way.
MethodChoice choose_for_shared_points(const SolverOptions& solver) {
  const Method* asked = method_named(solver.method);
  return {{{asked ? asked : &methods::sinkhorn(), solver.max_iterations}},
          asked ? "solver.method asks for it"
                : "the costs between these points are not stored, and Newton's method needs them "
                  "stored"};
}

}  // namespace

MethodChoice choose_method(const CloudPopulation& outline, const SolverOptions& solver) {
  const auto complaint =
      kernels::multiscale_complaint(outline.ground_cost, static_cast<int>(outline.dimension));
  const Method* asked = method_named(solver.method);
  if (asked == &methods::multiscale() && !complaint.empty()) refuse_method(*asked, complaint);
  double sources = 0, targets = 0;
  for (std::int64_t k = 0; k < outline.problems(); ++k) {
    sources += static_cast<double>(outline.source_points(k));
    targets += static_cast<double>(outline.target_points(k));
  }
  const auto count = static_cast<double>(std::max<std::int64_t>(outline.problems(), 1));
  return choose_for_clouds(complaint, sources / count, targets / count, solver);
}

MethodChoice choose_method(const PopulationRows& population, const SolverOptions& solver) {
  if (population.view().clouds() != nullptr) return choose_method(population.outline(), solver);
  return choose_for_shared_points(solver);
}

MethodChoice choose_method(const kernels::Problems& measures, double epsilon, double source_support,
                           double target_support, const SolverOptions& solver) {
  if (const auto* table = measures.table()) {
    require_fits(method_named(solver.method), measures);
    return choose_method(*table, epsilon, source_support, target_support, solver);
  }
  require_fits(method_named(solver.method), measures);
  if (measures.has_clouds())
    return choose_for_clouds(methods::multiscale().complaint(measures), source_support,
                             target_support, solver);
  return choose_for_shared_points(solver);
}

MethodChoice choose_method(const kernels::SeparableCost& cost, double epsilon,
                           double source_support, double target_support,
                           const SolverOptions& solver) {
  const std::int64_t most = solver.max_iterations;
  if (const Method* asked = method_named(solver.method))
    return {{{asked, most}}, "solver.method asks for it"};
  const Method &sinkhorn = methods::sinkhorn(), &newton_method = methods::newton();
  const double rows = std::min(source_support, target_support);
  const double columns = std::max(source_support, target_support);
  if (rows > most_newton_rows || rows * columns > most_newton_entries)
    return {{{&sinkhorn, most}},
            fmt::format("measures of {:.0f} and {:.0f} points with weight are too large for "
                        "Newton's method, which is for at most {:.0f}",
                        source_support, target_support, most_newton_rows)};
  const double range = relative_range(cost, epsilon);
  const double newton = newton_work(rows, columns, range, solver.threshold);
  const double iteration = iteration_work(cost, epsilon, source_support, target_support);
  const double iterations = predicted_iterations(range, solver);
  const double ratio = iterations * iteration / newton;
  if (ratio > hopeless)
    return {{{&newton_method, most}},
            fmt::format("Sinkhorn's iteration would need {} iterations here, and {} times as long",
                        about(iterations), about(ratio))};
  const double most_budget = static_cast<double>(std::numeric_limits<int>::max());
  const int budget = static_cast<int>(std::clamp(newton / iteration, 10.0, most_budget));
  if (budget >= solver.max_iterations)
    return {{{&sinkhorn, most}},
            fmt::format("Newton's method would be quicker only after {} iterations, and "
                        "solver.max_iterations is {}",
                        about(budget), solver.max_iterations)};
  return {
      {{&sinkhorn, budget}, {&newton_method, most}},
      fmt::format("Sinkhorn's iteration is expected to need {} iterations; problems that need more "
                  "than {} go on with Newton's method, which is quicker for those",
                  about(iterations), budget)};
}

}  // namespace otfleet
