#pragma once
#include <filesystem>
#include <string>

namespace otfleet {

/// "picture: DIR/error_curves.png" and a line break, what a command says last of its one picture;
/// empty where there is none.
inline std::string picture_line(const std::filesystem::path& picture) {
  return picture.empty() ? std::string() : "picture: " + picture.string() + "\n";
}

}  // namespace otfleet
