#pragma once
#include <filesystem>
#include <string>

#include "src/runs/command_context.hpp"

namespace otfleet {

/// Where a command finds what an earlier one made: the file the job names under `key`, or else
/// DIR/../<made_by>/<name>. Throws UserError that says which command makes it when it is not there.
std::filesystem::path find_input(const CommandContext& context,
                                 const std::filesystem::path& configured, const std::string& key,
                                 const std::string& made_by, const std::string& name);

/// Is there one to find: named by the job, or made by an earlier command? Local.
bool can_find_input(const CommandContext& context, const std::filesystem::path& configured,
                    const std::string& made_by, const std::string& name);

}  // namespace otfleet
