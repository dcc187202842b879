#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "src/data/fingerprint.hpp"

// Ground costs (kernels/geometry/ground_cost.hpp) as the program reads, writes and checks them.

namespace otfleet {

/// The names of costs between two points, as job and population files spell them.
const std::vector<std::string>& ground_cost_names();
/// The names of those for which something holds.
std::vector<std::string> ground_cost_names(
    const std::function<bool(const kernels::GroundCost&)>& holds);

/// The cost of that name; a parameter that `parameters` do not hold by its name is the usual one.
/// Throws UserError, beginning with `name`, for an unknown cost.
kernels::GroundCost parse_ground_cost(const std::string& name, const std::string& cost,
                                      const std::map<std::string, double>& parameters = {});

/// The cost with those of `parameters` that it has.
kernels::GroundCost with_parameters(kernels::GroundCost cost,
                                    const std::map<std::string, double>& parameters);

/// The name of a cost; of none, which is a stored matrix, "matrix".
std::string cost_word(const std::optional<kernels::GroundCost>& cost);

/// The attributes of /geometry in a population file: `cost` and what its parameters are called.
/// Throws UserError for an unknown cost.
kernels::GroundCost read_ground_cost(const distributed::Hdf5File& file, const std::string& cost);
void write_ground_cost(distributed::Hdf5File& file, const kernels::GroundCost& cost);

/// Throws UserError unless parameters are what they must be; `name` begins the message.
void check_ground_cost(const std::string& name, const kernels::GroundCost& cost);

/// Throws UserError, beginning with `name`, for the first of some points, the first of them number
/// `first`, that the cost cannot take: the zero vector for an angle, other than unit vectors on the
/// sphere. `what` a point is called: "row", "point".
void check_cost_takes(const std::string& name, const kernels::GroundCost& cost,
                      std::span<const double> points, std::int64_t dimension, const char* what,
                      std::int64_t first = 0);

/// The cost between two points of `dimension` coordinates, in the cost's own units, 0 for equal
/// points unless a parameter says otherwise. Where it sees directions alone no point may be zero.
double ground_cost(const kernels::GroundCost& cost, const double* x, const double* y,
                   std::int64_t dimension);

/// Adds which cost it is and its parameters.
void add_ground_cost(Fnv& hash, const kernels::GroundCost& cost);

}  // namespace otfleet
