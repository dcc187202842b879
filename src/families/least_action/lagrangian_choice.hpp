#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/api/paths.hpp"
#include "src/families/least_action/lagrangian_options.hpp"

namespace otfleet {

/// What a job says of [lagrangian], with the numbers of its grid, from a file or by a TorchScript
/// function. Throws UserError: a file that cannot be read, a grid of another shape than the
/// Lagrangian takes or without at least two rows and columns, numbers that it cannot have, a box
/// that is not known. Local.
kernels::Lagrangian read_lagrangian(const LagrangianOptions& options);

/// A grid over a box: x of the first and last column, y of the first and last row. Local.
kernels::GridField field_over(const std::vector<double>& box, std::int64_t rows,
                              std::int64_t columns);

/// The cost between points that a job with a map asks for; none: half of the squared distance.
/// Throws UserError as read_lagrangian(). Local.
std::optional<kernels::LeastActionCost> read_least_action_cost(const Job& job);

/// What says in a checkpoint which cost a map is for: lagrangian_text(); empty: half of the squared
/// distance. Local.
std::string least_action_text(const std::optional<kernels::LeastActionCost>& cost);

/// What says in a checkpoint which Lagrangian it is for: description_of() and fingerprint_of().
/// Local.
std::string lagrangian_text(const kernels::Lagrangian& lagrangian);

/// "box, strength 3.61, temperature 0.01". Local.
std::string description_of(const kernels::Lagrangian& lagrangian);

/// 16 hex digits over all of it, the numbers of a grid included. Local.
std::string fingerprint_of(const kernels::Lagrangian& lagrangian);

/// Throws UserError, beginning with `name`, for points [count, dimension] of a number of
/// coordinates that the Lagrangian does not take, or beyond its grid. Local.
void require_points_for(const std::string& name, const kernels::Lagrangian& lagrangian,
                        std::span<const double> points, std::int64_t dimension);

}  // namespace otfleet
