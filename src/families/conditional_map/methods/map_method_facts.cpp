#include "src/families/conditional_map/methods/map_method_facts.hpp"

#include <spdlog/fmt/fmt.h>

#include <stdexcept>

#include "src/families/conditional_map/methods/list.hpp"
#include "src/job.hpp"

namespace otfleet {

const std::vector<MapMethodFacts>& map_methods() {
  static const auto all = []<class... Entries>(const std::tuple<Entries...>*) {
    return std::vector<MapMethodFacts>{Entries::facts()...};
  }(static_cast<const MapMethods*>(nullptr));
  return all;
}

const MapMethodFacts& map_method_of(const Job& job) {
  for (const auto& method : map_methods())
    if (job.map.method == method.name) return method;
  throw std::logic_error("no such map.method");  // the key's check knows them all
}

std::vector<std::string> map_method_names() {
  std::vector<std::string> names;
  for (const auto& method : map_methods()) names.emplace_back(method.name);
  return names;
}

std::string map_method_doc() {
  std::string doc;
  for (const auto& method : map_methods())
    doc += fmt::format("{}{} ({})", doc.empty() ? "" : ", ", method.doc, method.name);
  return doc;
}

}  // namespace otfleet
