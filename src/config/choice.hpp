#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace otfleet {

/// The words that files have for the values of an enum, in the order in which messages list them.
/// Every enum that a job or one of our files spells out specializes it:
///   template <>
///   struct Choices<Schedule> {
///     static constexpr Choice<Schedule> list[] = {{"cosine", Schedule::cosine}, …};
///   };
template <class Enum>
struct Choices;

/// A value and its word. A value may have earlier words, after its own one: files that have them
/// are read, nothing writes or lists them.
template <class Enum>
struct Choice {
  const char* word;
  Enum value;
  bool earlier = false;
};

/// The word for a value. Local.
template <class Enum>
std::string word_of(Enum value) {
  for (const auto& choice : Choices<Enum>::list)
    if (choice.value == value && !choice.earlier) return choice.word;
  throw std::logic_error("a value of an enum has no word");
}

/// The value that a word means; none: no value has that word. Local.
template <class Enum>
std::optional<Enum> value_of(std::string_view word) {
  for (const auto& choice : Choices<Enum>::list)
    if (word == choice.word) return choice.value;
  return std::nullopt;
}

/// All words but earlier ones. Local.
template <class Enum>
std::vector<std::string> words_of() {
  std::vector<std::string> words;
  for (const auto& choice : Choices<Enum>::list)
    if (!choice.earlier) words.emplace_back(choice.word);
  return words;
}

}  // namespace otfleet
