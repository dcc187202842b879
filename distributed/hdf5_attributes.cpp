#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "distributed/detail/hdf5_handle.hpp"
#include "distributed/hdf5_file.hpp"

// Attributes of Hdf5File.
namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;
using detail::fail;
using detail::fail_with_reason;
using detail::Handle;

std::string in_words(const std::string& object, const std::string& name) {
  return "attribute '" + name + "' of '" + object + "'";
}

/// The attribute, or an invalid handle if the object has none of that name.
Handle open_attribute(const fs::path& path, hid_t file, const std::string& object,
                      const std::string& name) {
  const Handle owner = detail::open_object(path, file, object);
  const htri_t exists = H5Aexists(owner.get(), name.c_str());
  if (exists == 0) return {};
  Handle attribute(H5Aopen(owner.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!attribute.valid()) fail_with_reason(path, "cannot open " + in_words(object, name));
  return attribute;
}

hssize_t length(const Handle& attribute) {
  const Handle space(H5Aget_space(attribute.get()), H5Sclose);
  return H5Sget_simple_extent_npoints(space.get());
}

/// Reads one string, stored with its length (ours) or by reference (h5py's way).
bool read_text(hid_t attribute, hid_t type, std::string& text) {
  if (H5Tis_variable_str(type) > 0) {
    char* characters = nullptr;
    if (H5Aread(attribute, type, &characters) < 0) return false;
    if (characters) text = characters;
    H5free_memory(characters);
    return true;
  }
  text.resize(H5Tget_size(type));
  if (H5Aread(attribute, type, text.data()) < 0) return false;
  text = detail::unpadded(std::move(text), type);
  return true;
}

void write_attribute(const fs::path& path, hid_t file, const std::string& object,
                     const std::string& name, hid_t file_type, hid_t memory_type, const void* value,
                     const std::optional<Communicator>& communicator) {
  Handle owner;
  detail::agree(communicator, [&] { owner = detail::open_object(path, file, object); });
  const bool vacant =
      H5Aexists(owner.get(), name.c_str()) <= 0 || H5Adelete(owner.get(), name.c_str()) >= 0;
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  Handle attribute;
  bool written = false;
  if (vacant) {
    attribute = Handle(
        H5Acreate2(owner.get(), name.c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    written = attribute.valid() && H5Awrite(attribute.get(), memory_type, value) >= 0;
  }
  detail::agree(communicator, [&] {
    if (!vacant) fail(path, "cannot replace " + in_words(object, name));
    if (!written) fail_with_reason(path, "cannot write " + in_words(object, name));
  });
}

}  // namespace

std::optional<std::string> Hdf5File::string_attribute(const std::string& object,
                                                      const std::string& name) const {
  detail::require_open(path_, file_);
  const Handle attribute = open_attribute(path_, file_, object, name);
  if (!attribute.valid()) return std::nullopt;
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING || length(attribute) != 1) {
    fail(path_, in_words(object, name) + " is no text; one string was expected");
  }
  std::string text;
  if (!read_text(attribute.get(), type.get(), text)) {
    fail_with_reason(path_, "cannot read " + in_words(object, name));
  }
  return text;
}

std::optional<double> Hdf5File::number_attribute(const std::string& object,
                                                 const std::string& name) const {
  detail::require_open(path_, file_);
  const Handle attribute = open_attribute(path_, file_, object, name);
  if (!attribute.valid()) return std::nullopt;
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  if ((kind != H5T_FLOAT && kind != H5T_INTEGER) || length(attribute) != 1) {
    fail(path_, in_words(object, name) + " is no number; one number was expected");
  }
  double number = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &number) < 0) {
    fail_with_reason(path_, "cannot read " + in_words(object, name));
  }
  return number;
}

std::vector<std::int64_t> Hdf5File::integers_attribute(const std::string& object,
                                                       const std::string& name) const {
  detail::require_open(path_, file_);
  const Handle attribute = open_attribute(path_, file_, object, name);
  if (!attribute.valid()) return {};
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const hssize_t count = length(attribute);
  if (H5Tget_class(type.get()) != H5T_INTEGER || count < 1 || count > 64)
    fail(path_, in_words(object, name) + " is no list of integers; one was expected");
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  if (H5Aread(attribute.get(), H5T_NATIVE_INT64, numbers.data()) < 0)
    fail_with_reason(path_, "cannot read " + in_words(object, name));
  return numbers;
}

std::string Hdf5File::attribute_text(const std::string& object, const std::string& name) const {
  detail::require_open(path_, file_);
  const Handle attribute = open_attribute(path_, file_, object, name);
  if (!attribute.valid()) return "(none)";
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  if (length(attribute) == 1 && kind == H5T_STRING) return *string_attribute(object, name);
  if (length(attribute) != 1 || (kind != H5T_FLOAT && kind != H5T_INTEGER))
    return "(neither a number nor a string)";
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, *number_attribute(object, name)).ptr;
  return {digits, end};
}

std::vector<std::string> Hdf5File::attributes(const std::string& object) const {
  detail::require_open(path_, file_);
  const Handle owner = detail::open_object(path_, file_, object);
  std::vector<std::string> names;
  const auto keep = [](hid_t, const char* name, const H5A_info_t*, void* all) -> herr_t {
    static_cast<std::vector<std::string>*>(all)->emplace_back(name);
    return 0;
  };
  if (H5Aiterate2(owner.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names) < 0) {
    fail_with_reason(path_, "cannot list the attributes of '" + object + "'");
  }
  std::sort(names.begin(), names.end());
  return names;
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name,
                             const std::string& value) {
  detail::require_open(path_, file_);
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), std::max<std::size_t>(value.size(), 1));  // HDF5 has no size 0
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  write_attribute(path_, file_, object, name, type.get(), type.get(), value.c_str(), communicator_);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, double value) {
  detail::require_open(path_, file_);
  write_attribute(path_, file_, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value,
                  communicator_);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name,
                             std::int64_t value) {
  detail::require_open(path_, file_);
  write_attribute(path_, file_, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value,
                  communicator_);
}

}  // namespace otfleet::distributed
