#pragma once
#include <set>
#include <string>
#include <vector>

#include "src/config/key_list.hpp"

namespace otfleet {

/// A job file as it was read, once: it may be a pipe.
struct JobText {
  Path file;
  std::string text;
};

/// Throws UserError: there is no such file, it cannot be read. Local.
JobText read_job_text(const Path& file);

/// Gives keys the values that a job file has for them, then those of overrides "key.path=value", in
/// order (the value is read as TOML, or as a plain string if that fails). Paths in the file are
/// relative to its folder, paths in overrides to the working folder. `problem = "neural_dual"` is
/// short for problem.kind, and so for every section with a key `kind`. Returns the paths of the
/// keys that were set. Throws UserError that names the file or override and the key: unreadable
/// TOML (with line), unknown keys (with the nearest known one), wrong types, values out of range.
/// Local.
std::set<std::string> read_keys(const KeyList& keys, const JobText& job,
                                const std::vector<std::string>& overrides);

}  // namespace otfleet
