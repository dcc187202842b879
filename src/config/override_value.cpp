#include "src/config/override_value.hpp"

#include <algorithm>
#include <cctype>
#include <variant>

namespace otfleet::detail {
namespace {

bool is_digit(char letter) {
  return std::isdigit(static_cast<unsigned char>(letter)) != 0;
}

template <class... Types>
bool holds(const std::optional<Field>& field) {
  return field && (std::holds_alternative<Types>(*field) || ...);
}

std::optional<toml::table> parse(const std::string& text) {
  try {
    toml::table table = toml::parse("value = " + text);
    // More than one key: the text had a line break and began another.
    if (table.size() == 1 && table.contains("value")) return table;
  } catch (const toml::parse_error&) {
  }
  return std::nullopt;
}

/// Numbers, alone or in a list, as TOML wants them: digits on both sides of a point, and no zeros
/// in front.
std::string with_toml_numbers(const std::string& text) {
  std::string result;
  const auto after = [&](std::size_t i) { return i + 1 < text.size() ? text[i + 1] : '\0'; };
  const auto before = [&] { return result.empty() ? '\0' : result.back(); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    const bool in_number = is_digit(before()) || before() == '.' || before() == '_' ||
                           std::isalpha(static_cast<unsigned char>(before())) != 0;
    if (letter == '0' && !in_number && is_digit(after(i))) continue;
    const bool digit_before = is_digit(before()), digit_after = is_digit(after(i));
    if (letter == '.' && !digit_before && digit_after) result += '0';
    result += letter;
    if (letter == '.' && digit_before && !digit_after) result += '0';
  }
  return result;
}

/// "[zeros, model]": a shell has taken the quotes away.
std::optional<toml::array> list_of_names(const std::string& text) {
  if (!text.starts_with('[') || !text.ends_with(']') || text.size() < 2) return std::nullopt;
  toml::array names;
  std::string rest = text.substr(1, text.size() - 2);
  if (trimmed(rest).empty()) return names;
  for (std::size_t begin = 0; begin <= rest.size();) {
    const auto end = std::min(rest.find(',', begin), rest.size());
    const std::string name = trimmed(rest.substr(begin, end - begin));
    if (name.empty() || name.find_first_of("[]{}\"'") != std::string::npos) return std::nullopt;
    names.push_back(name);
    begin = end + 1;
  }
  return names;
}

std::string lower_case(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

}  // namespace

std::string trimmed(const std::string& text) {
  constexpr const char* blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

toml::table parse_override(const std::string& text, const std::optional<Field>& field) {
  const toml::table as_string{{"value", text}};
  const bool wants_text = holds<std::string*, Path*, ChoiceField>(field);
  auto table = parse(text);
  if (!table && holds<std::int64_t*, double*, Integers*, Numbers*>(field))
    table = parse(with_toml_numbers(text));
  if (!table && holds<bool*>(field)) table = parse(lower_case(text));
  if (!table && holds<Names*, ChoicesField>(field))
    if (auto names = list_of_names(text)) return toml::table{{"value", std::move(*names)}};
  if (!table || (wants_text && !(*table)["value"].is_string())) return as_string;
  return *table;
}

}  // namespace otfleet::detail
