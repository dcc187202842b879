#include "src/runs/input_files.hpp"

#include <spdlog/fmt/fmt.h>

#include "distributed/error.hpp"
#include "distributed/output_guard.hpp"
#include "src/config/shell_word.hpp"

namespace otfleet {
namespace {

std::filesystem::path usual_place(const CommandContext& context, const std::string& made_by,
                                  const std::string& name) {
  auto folder = std::filesystem::absolute(context.output).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "DIR/"
  return folder.parent_path() / made_by / name;
}

}  // namespace

bool can_find_input(const CommandContext& context, const std::filesystem::path& configured,
                    const std::string& made_by, const std::string& name) {
  std::error_code ignored;
  return !configured.empty() ||
         std::filesystem::exists(usual_place(context, made_by, name), ignored);
}

std::filesystem::path find_input(const CommandContext& context,
                                 const std::filesystem::path& configured, const std::string& key,
                                 const std::string& made_by, const std::string& name) {
  if (!configured.empty()) return configured;
  const auto file = usual_place(context, made_by, name);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored))
    throw UserError(fmt::format(
        "{}: no such file; run 'otfleet {} {} --output {}' first{}, or name one with --set "
        "{}=FILE",
        file.string(), made_by, shell_word(context.job_file.string()),
        shell_word(file.parent_path().string()),
        made_by == "make" ? ", with data." + file.stem().string() + " in the job" : "", key));
  distributed::protect_input(file, key);
  return file;
}

}  // namespace otfleet
