#include "distributed/output_guard.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include "distributed/error.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;

struct Input {
  fs::path file;
  std::string what;
};

std::vector<Input>& inputs() {
  static std::vector<Input> all;
  return all;
}

/// The same file: by device and number where both are there (so that links count), else by name.
bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::equivalent(a, b, error) && !error) return true;
  const fs::path first = fs::weakly_canonical(a, error);
  return !error && first == fs::weakly_canonical(b, error) && !error;
}

const Input* find_input(const fs::path& file) {
  const auto found = std::find_if(inputs().begin(), inputs().end(),
                                  [&](const Input& input) { return same_file(input.file, file); });
  return found == inputs().end() ? nullptr : &*found;
}

}  // namespace

void protect_input(const fs::path& file, const std::string& what) {
  std::error_code ignored;
  inputs().push_back({fs::absolute(file, ignored), what});
}

bool is_input(const fs::path& file) {
  return find_input(file) != nullptr;
}

void check_replaceable(const fs::path& path, const FileMark& mark) {
  if (const Input* input = find_input(path))
    throw UserError(path.string() + ": would be replaced, but is an input of this run (" +
                    input->what + "); name another folder with --output");
  std::error_code ignored;
  if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found || mark.is_on(path))
    return;
  throw UserError(path.string() + ": is there already and is no " + mark.noun() +
                  " that this version of otfleet made; move or remove it, or name another folder "
                  "with --output");
}

}  // namespace otfleet::distributed
