// Tables of numbers as text, plain or gzipped: .csv, .tsv, .txt.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "src/data/byte_stream.hpp"
#include "src/data/formats/list.hpp"

namespace otfleet::formats {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  text = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return text;
}

bool read_number(std::string_view text, double& number) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range)  // 1e-400 or 1e400
    number = std::strtod(std::string(text).c_str(), nullptr);
  else if (error != std::errc{})
    return false;
  return end == text.data() + text.size() && !text.empty();
}

/// What separates the fields of a table, by its first line; '\0': blanks.
char separator_of(std::string_view line) {
  for (const char candidate : {'\t', ';', ','})
    if (line.find(candidate) != std::string_view::npos) return candidate;
  return '\0';
}

/// Takes the next field off the front of `rest`; `more`: a separator followed it.
std::string_view next_field(std::string_view& rest, char separator, bool& more) {
  if (separator == '\0') rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const auto end = separator == '\0' ? rest.find_first_of(" \t") : rest.find(separator);
  const auto field = rest.substr(0, end);
  more = end != std::string_view::npos;
  rest.remove_prefix(more ? end + 1 : rest.size());
  if (separator == '\0' && more) more = rest.find_first_not_of(" \t") != std::string_view::npos;
  return field;
}

std::string read_text(FileStream& stream) {
  std::string text;
  constexpr std::size_t block = 1 << 20;
  for (std::size_t got = block; got == block;) {
    const auto before = text.size();
    text.resize(before + block);
    got = stream.read_some(reinterpret_cast<unsigned char*>(text.data() + before), block);
    text.resize(before + got);
  }
  return text;
}

/// The rows of a table, one line after the other.
class Table {
 public:
  explicit Table(const FileStream& stream) : stream_(stream) {}

  void add_line(std::string_view line, std::int64_t number) {
    if (trimmed(line).empty() || trimmed(line).front() == '#') return;
    const bool first = !begun_;
    begun_ = true;
    if (first) separator_ = separator_of(line);
    const auto before = array_.values.size();
    std::int64_t column = 0;
    std::string_view wrong;
    std::int64_t wrong_column = -1;
    bool has_name = false;
    bool more = true;
    for (std::string_view rest = trimmed_end(line); more; ++column) {
      const auto field = next_field(rest, separator_, more);
      double value = 0;
      const bool is_number = read_number(field, value);
      has_name = has_name || (!is_number && !trimmed(field).empty());
      if (!is_number && wrong_column < 0) {
        wrong = trimmed(field);
        wrong_column = column;
      }
      array_.values.push_back(value);
    }
    if (columns_ > 0 && column != columns_)
      stream_.fail(fmt::format(
          "line {} has {} fields, the lines before it {}; give every line as many numbers", number,
          column, columns_));
    if (wrong_column >= 0) {
      if (first && has_name) {  // the names of the columns
        array_.values.resize(before);
        columns_ = column;
        return;
      }
      stream_.fail(
          fmt::format("line {}, column {}: {}", number, wrong_column + 1, what_to_do_with(wrong)));
    }
    columns_ = column;
    ++rows_;
  }

  Array take() {
    if (rows_ == 0) stream_.fail("holds no numbers");
    array_.shape = {rows_};
    if (columns_ > 1) array_.shape.push_back(columns_);
    return std::move(array_);
  }

 private:
  static std::string what_to_do_with(std::string_view wrong) {
    if (wrong.empty()) return "the field is empty; fill it, or leave its line or column out";
    double value = 0;
    std::string with_point(wrong);
    std::replace(with_point.begin(), with_point.end(), ',', '.');
    if (read_number(with_point, value))
      return fmt::format("'{}' is no number; write decimals with a point", wrong);
    return fmt::format("'{}' is no number; leave out columns of names", wrong);
  }

  static std::string_view trimmed_end(std::string_view line) {
    return line.substr(0, line.find_last_not_of('\r') + 1);
  }

  const FileStream& stream_;
  Array array_;
  std::int64_t rows_ = 0, columns_ = 0;
  char separator_ = '\0';
  bool begun_ = false;  ///< a line with a header or numbers was read
};

/// [rows, columns], or [rows] of one column. Lines that are empty or begin with # are left out, and
/// so is a first line with a name, which is anything but a number or nothing.
Array read_table(const ArraySource& source) {
  FileStream stream(source.file);
  const std::string text = read_text(stream);
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  Table table(stream);
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    table.add_line(rest.substr(0, end), number);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return table.take();
}

}  // namespace

const ArrayFormat& csv() {
  static constexpr ArrayFormat format = {"a table of numbers (.csv, .tsv, .txt)", false,
                                         [](const FileStart& start) {
                                           const auto end = start.extension();
                                           return !start.is_folder &&
                                                  (end == ".csv" || end == ".tsv" || end == ".txt");
                                         },
                                         read_table};
  return format;
}

}  // namespace otfleet::formats
