#include "distributed/detail/hdf5_handle.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "distributed/error.hpp"

namespace otfleet::distributed::detail {
namespace {

/// Keeps the description of the first, innermost record of the error stack.
herr_t keep_first(unsigned, const H5E_error2_t* record, void* reason) {
  auto& text = *static_cast<std::string*>(reason);
  if (record->desc) text = record->desc;
  return 1;
}

}  // namespace

void silence_hdf5_errors() {
  thread_local bool silent = false;
  if (!silent) silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
}

std::string hdf5_reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &reason);
  // Failed system calls come with a date, an address and more; only the system's words help.
  const std::string key = "error message = '";
  if (const auto begin = reason.find(key); begin != std::string::npos) {
    reason = reason.substr(begin + key.size());
    reason = reason.substr(0, reason.find('\''));
  }
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  return reason;
}

void fail(const std::filesystem::path& file, const std::string& what) {
  throw UserError(file.string() + ": " + what);
}

void fail_with_reason(const std::filesystem::path& file, const std::string& what) {
  const std::string reason = hdf5_reason();
  fail(file, reason.empty() ? what : what + " (" + reason + ")");
}

bool object_exists(hid_t file, const std::string& object) {
  if (object.empty() || object.front() != '/') return false;
  // H5Lexists is an error, not false, when a link before the last one is missing.
  for (std::size_t end = 0; end != std::string::npos;) {
    const std::size_t begin = end + 1;
    end = object.find('/', begin);
    if (begin == std::min(end, object.size())) continue;  // "/", or a doubled or final slash
    const std::string link = object.substr(0, end);
    if (H5Lexists(file, link.c_str(), H5P_DEFAULT) <= 0) return false;
    if (H5Oexists_by_name(file, link.c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

Handle open_object(const std::filesystem::path& path, hid_t file, const std::string& object) {
  if (!object_exists(file, object)) fail(path, "no dataset or group '" + object + "'");
  Handle handle(H5Oopen(file, object.c_str(), H5P_DEFAULT), H5Oclose);
  if (!handle.valid()) fail_with_reason(path, "cannot open '" + object + "'");
  return handle;
}

std::string unpadded(std::string text, hid_t type) {
  switch (H5Tget_strpad(type)) {
    case H5T_STR_NULLTERM:
      text.resize(::strnlen(text.data(), text.size()));
      break;
    case H5T_STR_SPACEPAD:
      text.resize(text.find_last_not_of(' ') + 1);
      break;
    default:
      text.resize(text.find_last_not_of('\0') + 1);
      break;
  }
  return text;
}

void require_open(const std::filesystem::path& path, hid_t file) {
  if (file < 0) throw std::logic_error(path.string() + ": used after it was closed");
}

}  // namespace otfleet::distributed::detail
