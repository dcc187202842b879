#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace otfleet {

/// A word as a shell takes it: in quotes where it has to be. Local.
inline std::string shell_word(const std::string& word) {
  const auto is_safe = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') ||
           std::string_view("-_./:=,+@%").find(letter) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_safe)) return word;
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + '\'';
}

}  // namespace otfleet
