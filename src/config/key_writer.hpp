#pragma once
#include <set>
#include <string>

#include "src/config/key_list.hpp"

namespace otfleet {

/// The keys of `chosen` with their values as TOML, a table for each section, in the list's order;
/// each line begins with `prefix`. Files are named relative to `folder` where that is the folder of
/// its name, and else by their whole names. Throws UserError for a name that is no UTF-8. Local.
std::string toml_text(const KeyList& keys, const std::set<std::string>& chosen, const Path& folder,
                      const std::string& prefix = "");

}  // namespace otfleet
