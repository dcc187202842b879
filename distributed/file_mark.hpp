#pragma once
#include <filesystem>
#include <string>

namespace otfleet::distributed {

/// Root attribute that says what an HDF5 file of ours is, and field of our JSON files.
inline constexpr const char* kind_attribute = "otfleet_kind";

/// How a file says that otfleet made it, and what it is. A file without the mark is somebody
/// else's: nothing of ours may replace it.
class FileMark {
 public:
  /// HDF5 with the root attribute otfleet_kind = `kind`.
  static FileMark hdf5(const std::string& kind);
  /// JSON with the field otfleet_kind = `kind` at its top level, as nlohmann::json indents it.
  static FileMark json(const std::string& kind);
  /// A table as text that begins with `header`.
  static FileMark csv(const std::string& header) { return text("table", header); }
  /// Text that begins so; `noun` is what it is.
  static FileMark text(const std::string& noun, const std::string& beginning);
  /// PNG with the text chunk that mark_png() adds.
  static FileMark png();

  /// A name that nobody else would give: every regular file of that name is ours, damaged or not.
  static FileMark name(const std::string& noun);

  /// Whether `file` is a regular file that carries the mark; false also where it cannot be read.
  /// Local.
  bool is_on(const std::filesystem::path& file) const;

  /// What carries it, for messages: "solution", "picture".
  const std::string& noun() const { return noun_; }

 private:
  enum class Format { hdf5, json, text, png, name };
  FileMark(Format format, std::string noun, std::string text);

  Format format_;
  std::string noun_, text_;
};

/// Adds the text chunk to a PNG file. Local. Throws UserError.
void mark_png(const std::filesystem::path& file);

}  // namespace otfleet::distributed
