#include "src/data/image_files.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

std::string lower_case_ending(const std::filesystem::path& file) {
  std::string end = file.extension().string();
  std::transform(end.begin(), end.end(), end.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return end;
}

}  // namespace

std::vector<std::filesystem::path> images_at(const std::filesystem::path& path,
                                             const std::vector<std::string>& endings,
                                             const std::string& advice) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path, error))
    if (std::find(endings.begin(), endings.end(), lower_case_ending(entry.path())) != endings.end())
      files.push_back(entry.path());
  if (error) throw UserError(path.string() + ": cannot be read: " + error.message());
  if (files.empty())
    throw UserError(fmt::format("{}: a folder without *{} images; {}", path.string(),
                                fmt::join(endings, ", *"), advice));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace otfleet
