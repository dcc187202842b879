#include "src/models/architectures.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include "src/networks/architectures/list.hpp"

namespace otfleet {
namespace {

/// Calls body(architecture) for every one, with a value of its type.
template <class Body>
void for_each_architecture(const Body& body) {
  std::apply([&](auto... architecture) { (body(architecture), ...); }, Architectures());
}

const std::vector<ArchitectureEntry>& entries() {
  static const std::vector<ArchitectureEntry> all = [] {
    std::vector<ArchitectureEntry> list;
    for_each_architecture([&]<class One>(One) {
      list.push_back({One::name, One::uses, One::text, One::complaint});
    });
    return list;
  }();
  return all;
}

}  // namespace

const ArchitectureEntry* find_architecture(const std::string& name) {
  for (const auto& entry : entries())
    if (name == entry.name) return &entry;
  return nullptr;
}

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const auto& entry : entries()) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> architecture_names(bool ArchitectureUses::*use) {
  std::vector<std::string> names;
  for (const auto& entry : entries())
    if (entry.uses.*use) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> predictor_names() {
  auto names = architecture_names(&ArchitectureUses::predictors);
  names.emplace_back(no_predictor);
  return names;
}

std::string architecture_doc() {
  std::vector<std::string> potentials;
  for_each_architecture([&]<class One>(One) {
    if (!One::uses.potentials) return;
    const std::string remark = One::remark;
    potentials.push_back(One::name + (remark.empty() ? "" : " (" + remark + ")"));
  });
  return fmt::format("{}; for potentials {}; for conditional_map also {}",
                     fmt::join(architecture_names(&ArchitectureUses::pairs), " or "),
                     fmt::join(potentials, " or "),
                     fmt::join(architecture_names(&ArchitectureUses::velocities), " or "));
}

std::string predictor_doc() {
  std::vector<std::string> docs;
  for_each_architecture([&]<class One>(One) {
    if constexpr (One::uses.predictors) docs.emplace_back(One::predictor_doc);
  });
  return fmt::format("of a conjugate's minimizer: {}, or {} (y itself)", fmt::join(docs, ", "),
                     no_predictor);
}

}  // namespace otfleet
