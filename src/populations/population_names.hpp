#pragma once
#include <optional>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "src/populations/geometry_kind.hpp"

// A population file is read strictly: a name that is not known, or that says nothing where it
// stands, is a mistake that would else be solved in silence. All local; all throw UserError.

namespace otfleet {

/// Attribute `kind` of /geometry, or where it is absent what the groups hold.
GeometryKind geometry_kind(const distributed::Hdf5File& file);

/// The same of a file that may be anything: none where it has no geometry or no measures.
std::optional<GeometryKind> find_geometry_kind(const distributed::Hdf5File& file);

/// Unless all attributes and members of /geometry, /measures and /problems have names that are
/// known; the message says the nearest one. An attribute of /geometry that stands elsewhere is
/// refused, too. `problems`: the members of /problems.
void check_known_names(const distributed::Hdf5File& file,
                       const std::vector<std::string>& problems = {"source", "target", "sequence"});

/// Unless all of them mean something in a population of this kind, and what has no default is
/// there: attribute `cost` where points are given (points, clouds), and the parameters that it
/// requires.
void check_used_names(const distributed::Hdf5File& file);

}  // namespace otfleet
