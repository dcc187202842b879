#pragma once
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "src/config/job.hpp"

namespace otfleet::detail {

using Path = std::filesystem::path;
using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;
using Names = std::vector<std::string>;
using Field =
    std::variant<std::int64_t*, double*, bool*, std::string*, Path*, Integers*, Numbers*, Names*>;

/// Everything there is to know about a key of the job file.
struct Key {
  std::string path;
  std::function<Field(Job&)> field;
  std::function<std::string(Job&)> complaint;  ///< what the value must be, or empty: it is good
  std::string doc;
};

/// The one table of keys; reading, overrides, suggestions, Job::resolved() and describe_keys() all
/// come from it. Local.
const std::vector<Key>& job_keys();

}  // namespace otfleet::detail
