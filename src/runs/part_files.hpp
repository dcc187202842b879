#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/hdf5_file.hpp"

// The files that unfinished solves leave beside their solution: `<prefix>…-<job>.h5`, each complete
// whenever it has its name. <job>, 16 hex digits, says of which job it is: jobs that take turns in
// a folder leave each other's files alone.

namespace otfleet {

/// The names in `folder`, sorted; none where it does not exist. Local.
std::vector<std::string> part_names(const std::filesystem::path& folder, const std::string& prefix);

/// The same, as rank 0 sees the folder. Collective.
std::vector<std::string> agreed_part_names(const std::filesystem::path& folder,
                                           const std::string& prefix,
                                           const distributed::Communicator& communicator);

/// How the names of a job's files end.
std::string part_ending(const std::string& job);

/// Writes a sealed file, with root attributes otfleet_kind, otfleet_version = 1 and job, and what
/// `fill` adds. Makes the folder. Local. Throws UserError.
void write_part(const std::filesystem::path& file, const std::string& kind, const std::string& job,
                const std::function<void(distributed::Hdf5File&)>& fill);

/// Removes the files of a job, and the folder if nothing else is in it, or warns. Collective.
void remove_parts(const std::filesystem::path& folder, const std::string& prefix,
                  const std::string& job, const distributed::Communicator& communicator);

}  // namespace otfleet
