#pragma once
#include <toml++/toml.h>

#include <optional>
#include <string>

#include "src/config/field.hpp"

namespace otfleet::detail {

/// The text without blanks at its ends.
std::string trimmed(const std::string& text);

/// What a person means who types `text` behind "--set key=": a table with the one key `value`. TOML
/// where it is TOML; else, by the type of the key's field (none: unknown), numbers as they are
/// written elsewhere (".9", "1.", "+.5", "007"), True and FALSE, lists of names without quotes;
/// else the text itself.
toml::table parse_override(const std::string& text, const std::optional<Field>& field);

}  // namespace otfleet::detail
