#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Pieces of an HTML page as text. Whatever comes from files goes through escaped().

namespace otfleet::page {

/// Text as HTML: markup escaped, and bytes that are no UTF-8 or no characters as U+FFFD.
std::string escaped(std::string_view text);

/// "1,000,000".
std::string grouped(std::int64_t number);
/// About four digits: "0.01234", "1.234e-5", "12,345", "NaN".
std::string short_number(double number);
/// As it was given: "0.01", "1e-6".
std::string round_number(double number);
/// "85 ms", "12.3 s", "6 min 5 s", "2 h 4 min".
std::string duration(double seconds);

/// A table in a box of its own, which scrolls sideways where the page is narrow.
class Table {
 public:
  enum class Kind { text, number };

  explicit Table(std::string caption) : caption_(std::move(caption)) {}
  Table& column(std::string title, Kind kind = Kind::number) {
    columns_.push_back({std::move(title), kind});
    return *this;
  }
  /// Plain text, as many cells as columns.
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// Empty where there is no row.
  std::string html() const;

 private:
  struct Column {
    std::string title;
    Kind kind;
  };
  std::string caption_;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// <TAG class="NAME">content</TAG>; content is HTML already. Without a name, no class.
std::string element(const char* tag, const std::string& content, const char* name = "");
/// Something that is folded until a reader opens it; content is HTML already.
std::string folded(const std::string& title, const std::string& content);
/// How much room a picture gets where the page is wide: a column, two, or a row of its own.
enum class Size { small, large, wide };
/// A picture, HTML already, with words below it.
std::string figure(const std::string& picture, const std::string& caption, Size size = Size::small);
/// A file as data: URL.
std::string data_url(const std::string& type, std::string_view bytes);

}  // namespace otfleet::page
