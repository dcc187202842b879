#include "src/config/key_writer.hpp"

#include <nlohmann/json.hpp>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

/// As it stands in a job file of `folder`. A folder that is a link elsewhere has another "..".
std::string name_from(const Path& folder, const Path& file) {
  std::error_code error;
  const Path here = std::filesystem::absolute(folder, error).lexically_normal();
  const Path whole = std::filesystem::absolute(file, error).lexically_normal();
  if (std::filesystem::weakly_canonical(here, error) != here || error) return whole.string();
  return whole.lexically_relative(here).string();
}

std::string value_text(const Key& key, const Path& folder) {
  try {
    if (const auto* const* file = std::get_if<Path*>(&key.field); file && !(*file)->empty())
      return nlohmann::json(name_from(folder, **file)).dump();
    return to_json(key.field).dump();  // JSON's strings, numbers and lists are TOML's, too
  } catch (const nlohmann::json::exception&) {
    throw UserError(key.path + ": a name that is no UTF-8 text cannot stand in a job file");
  }
}

}  // namespace

std::string toml_text(const KeyList& keys, const std::set<std::string>& chosen, const Path& folder,
                      const std::string& prefix) {
  std::string text, open;
  for (const auto& key : keys) {
    if (!chosen.contains(key.path)) continue;
    const auto dot = key.path.find('.');
    const std::string section = dot == std::string::npos ? "" : key.path.substr(0, dot);
    if (section != open) {
      text += (text.empty() ? "" : prefix.substr(0, prefix.find(' ')) + "\n") + prefix + "[" +
              section + "]\n";
      open = section;
    }
    const std::string name = dot == std::string::npos ? key.path : key.path.substr(dot + 1);
    text += prefix + name + " = " + value_text(key, folder) + "\n";
  }
  return text;
}

}  // namespace otfleet
