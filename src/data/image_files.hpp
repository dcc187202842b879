#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace otfleet {

/// The image itself where `path` is a file; of a folder the files whose names end in one of
/// `endings` (".png"), in any letter case, sorted by name. Throws UserError: a folder that cannot
/// be read, or that holds none of them, with `advice` at the end. Local.
std::vector<std::filesystem::path> images_at(const std::filesystem::path& path,
                                             const std::vector<std::string>& endings,
                                             const std::string& advice);

}  // namespace otfleet
