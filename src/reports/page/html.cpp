#include "src/reports/page/html.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>

namespace otfleet::page {
namespace {

constexpr const char* replacement = "\xef\xbf\xbd";  // U+FFFD

/// Bytes of the UTF-8 character that begins here; 0: none does.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(k) & 0xc0) != 0x80) return 0;
  if (length < 3) return length;
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return overlong || outside ? 0 : length;
}

/// "1e-06" as "1e-6".
std::string short_exponent(std::string text) {
  const auto at = text.find('e');
  if (at == std::string::npos) return text;
  if (text[at + 1] == '+') text.erase(at + 1, 1);
  const auto digits = text[at + 1] == '-' ? at + 2 : at + 1;
  while (digits + 1 < text.size() && text[digits] == '0') text.erase(digits, 1);
  return text;
}

/// Control characters that HTML has no use for; U+0080 to U+009F count as such.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 2 && first == 0xc2)
    return static_cast<unsigned char>(character[1]) < 0xa0;
  return character.size() == 1 && (first < 0x20 || first == 0x7f) && first != '\n' && first != '\t';
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const auto character = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(character.size());
    if (length == 0 || is_control(character)) {
      html += replacement;
      continue;
    }
    switch (character[0]) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += character;
    }
  }
  return html;
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string short_number(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "∞" : "−∞";
  const double size = std::abs(number);
  if (size >= 999.5 && size < 1e9) return grouped(std::llround(number));
  const bool large = size >= 1e9 || (size > 0 && size < 1e-3);
  return short_exponent(large ? fmt::format("{:.3e}", number) : fmt::format("{:.4g}", number));
}

std::string round_number(double number) {
  return short_exponent(fmt::format("{:g}", number));
}

std::string duration(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds < 0.0095) return fmt::format("{:.1f} ms", 1e3 * seconds);
  if (seconds < 0.95) return fmt::format("{:.0f} ms", 1e3 * seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string element(const char* tag, const std::string& content, const char* name) {
  const auto attribute = name[0] == '\0' ? std::string() : fmt::format(" class=\"{}\"", name);
  return fmt::format("<{0}{1}>{2}</{0}>\n", tag, attribute, content);
}

std::string folded(const std::string& title, const std::string& content) {
  return element("details", element("summary", escaped(title)) + content);
}

std::string figure(const std::string& picture, const std::string& caption, Size size) {
  return element("figure", picture + element("figcaption", escaped(caption)),
                 size == Size::wide    ? "wide"
                 : size == Size::large ? "large"
                                       : "");
}

std::string Table::html() const {
  if (rows_.empty()) return {};
  // Short texts stay on a line, long ones get room where the page is narrow.
  constexpr std::size_t short_text = 22, long_text = 40;
  const auto name_of = [&](std::size_t c, std::size_t length) {
    return columns_[c].kind == Kind::number ? " class=\"number\""
           : length <= short_text           ? " class=\"short\""
           : length >= long_text            ? " class=\"long\""
                                            : "";
  };
  std::string html = "<thead><tr>";
  for (std::size_t c = 0; c < columns_.size(); ++c)
    html += fmt::format("<th scope=\"col\"{}>{}</th>", name_of(c, 0), escaped(columns_[c].title));
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& cells : rows_) {
    html += "<tr>";
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto cell = c < cells.size() ? cells[c] : std::string();
      html += fmt::format("<td{}>{}</td>", name_of(c, cell.size()), escaped(cell));
    }
    html += "</tr>\n";
  }
  const auto caption = escaped(caption_);
  return fmt::format(
      "<div class=\"table\">\n<p class=\"caption\">{0}</p>\n<div class=\"scroll\" tabindex=\"0\" "
      "role=\"region\" aria-label=\"{0}\"><table>{1}</tbody></table></div>\n</div>\n",
      caption, html);
}

std::string data_url(const std::string& type, std::string_view bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string url = "data:" + type + ";base64,";
  url.reserve(url.size() + bytes.size() * 4 / 3 + 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto byte = [&](std::size_t k) {
      return at + k < bytes.size() ? static_cast<unsigned char>(bytes[at + k]) : 0U;
    };
    const unsigned group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k)
      url += at + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return url;
}

}  // namespace otfleet::page
