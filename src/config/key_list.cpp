#include "src/config/key_list.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace otfleet {

void KeyList::add_key(const std::string& name, Field field, std::function<std::string()> complaint,
                      std::string doc) {
  keys_.push_back({prefix_ + name, std::move(field), std::move(complaint), std::move(doc)});
}

const Key* KeyList::find(const std::string& path) const {
  const auto key = std::find_if(begin(), end(), [&](const Key& one) { return one.path == path; });
  return key == end() ? nullptr : &*key;
}

nlohmann::json values_json(const KeyList& keys) {
  auto result = nlohmann::json::object();
  for (const auto& key : keys) {
    std::string pointer = "/" + key.path;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    result[nlohmann::json::json_pointer(pointer)] = to_json(key.field);
  }
  return result;
}

std::string describe(const KeyList& keys) {
  std::string text;
  for (const auto& key : keys)
    text += fmt::format("{:<28} {:<26} {}\n", key.path, to_json(key.field).dump(), key.doc);
  return text;
}

}  // namespace otfleet
