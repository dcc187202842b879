#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

namespace otfleet {

/// FNV-1a over 64-bit words.
class Fnv {
 public:
  void add(std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) {
      hash_ = (hash_ ^ ((word >> shift) & 0xff)) * 0x100000001b3ULL;
    }
  }
  void add(const std::vector<double>& values) {
    add(static_cast<std::uint64_t>(values.size()));
    for (const double value : values) add(std::bit_cast<std::uint64_t>(value + 0.0));  // −0 is 0
  }
  void add(const std::vector<std::int32_t>& values) {
    add(static_cast<std::uint64_t>(values.size()));
    for (const std::int32_t value : values) add(static_cast<std::uint64_t>(value));
  }
  void add(const std::vector<std::int64_t>& values) {
    add(static_cast<std::uint64_t>(values.size()));
    for (const std::int64_t value : values) add(static_cast<std::uint64_t>(value));
  }
  void add(const std::string& text) {
    add(static_cast<std::uint64_t>(text.size()));
    for (const char letter : text) add(static_cast<std::uint64_t>(letter));
  }

  std::uint64_t value() const { return hash_; }

  /// 16 hex digits.
  std::string digits() const {
    static constexpr char hex[] = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += hex[(hash_ >> shift) & 15];
    return text;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

/// 16 hex digits of a text, for names of files.
inline std::string digits_of(const std::string& text) {
  Fnv hash;
  hash.add(text);
  return hash.digits();
}

}  // namespace otfleet
