#include "src/families/linear/initializers.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include "distributed/error.hpp"
#include "src/config/nearest_name.hpp"
#include "src/families/linear/initializers/list.hpp"

namespace otfleet {

const std::vector<const Initializer*>& all_initializers() {
  static const std::vector<const Initializer*> all = initializers::list();
  return all;
}

std::vector<std::string> initializer_names() {
  std::vector<std::string> names;
  for (const auto* initializer : all_initializers()) names.emplace_back(initializer->name());
  return names;
}

std::vector<std::string> first_initializer_names() {
  std::vector<std::string> names;
  for (const auto* initializer : all_initializers())
    if (!initializer->needs_model() && !initializer->needs_sequences())
      names.emplace_back(initializer->name());
  return names;
}

std::string initializer_doc() {
  std::string text, group;
  for (const auto* initializer : all_initializers()) {
    const std::string own = initializer->group();
    if (!text.empty()) text += !own.empty() && own == group ? ", " : "; ";
    if (!own.empty() && own != group) text += own + " ";
    text += initializer->name();
    const std::string remark = initializer->remark();
    if (!remark.empty()) text += " (" + remark + ")";
    group = own;
  }
  return text;
}

const Initializer& initializer_named(const std::string& name) {
  for (const auto* initializer : all_initializers())
    if (name == initializer->name()) return *initializer;
  const auto names = initializer_names();
  const auto near = nearest_name(name, names);
  throw UserError(fmt::format("no initializer is called '{}'; {}", name,
                              near.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                           : fmt::format("did you mean '{}'?", near)));
}

}  // namespace otfleet
