#pragma once
#include <string>
#include <vector>

#include "src/families/linear/initializers/initializer.hpp"

namespace otfleet {

/// All there are; see initializers/list.hpp. Local.
const std::vector<const Initializer*>& all_initializers();

/// Their names: what solver.initializer may be. Local.
std::vector<std::string> initializer_names();

/// A line for `otfleet --keys`. Local.
std::string initializer_doc();
/// Those that need no other problem and no model: what a sequence can begin with.
std::vector<std::string> first_initializer_names();

/// Throws UserError, with the nearest known one: none has that name. Local.
const Initializer& initializer_named(const std::string& name);

}  // namespace otfleet
