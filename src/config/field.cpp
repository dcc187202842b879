#include "src/config/field.hpp"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>
#include <type_traits>

namespace otfleet {

nlohmann::json to_json(const Field& field) {
  return std::visit(
      [](const auto& value) -> nlohmann::json {
        using Type = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Type, ChoiceField> || std::is_same_v<Type, ChoicesField>) {
          return value.read();
        } else if constexpr (std::is_same_v<Type, Path*>) {
          return value->string();
        } else {
          return *value;
        }
      },
      field);
}

std::string to_text(const Field& field) {
  if (const auto* const* number = std::get_if<double*>(&field)) return fmt::format("{}", **number);
  const nlohmann::json value = to_json(field);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace otfleet
