#pragma once
#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "distributed/communicator.hpp"

// What the sources of Hdf5File share; not for use outside distributed/.
namespace otfleet::distributed::detail {

/// Owns one HDF5 identifier and closes it with the function it came with.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept { swap(other); }
  Handle& operator=(Handle&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Handle() {
    if (valid()) close_(id_);
  }

  bool valid() const { return id_ >= 0; }
  hid_t get() const { return id_; }
  hid_t release() { return std::exchange(id_, -1); }

 private:
  void swap(Handle& other) {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
  }

  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// Stops HDF5 from printing its error stack, for the calling thread.
void silence_hdf5_errors();

/// Why the last HDF5 call on this thread failed, on one line. The next HDF5 call forgets it.
std::string hdf5_reason();

/// Throws UserError "<file>: <what>".
[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what);
/// Throws UserError "<file>: <what> (<reason of HDF5>)".
[[noreturn]] void fail_with_reason(const std::filesystem::path& file, const std::string& what);

/// True if every link on the way to `object` exists and leads somewhere.
bool object_exists(hid_t file, const std::string& object);

/// Opens a group or dataset; throws UserError if there is none.
Handle open_object(const std::filesystem::path& path, hid_t file, const std::string& object);

/// A string of one length, as stored, without what fills it up to that length.
std::string unpadded(std::string text, hid_t type);

/// Throws std::logic_error when the file was closed or moved from.
void require_open(const std::filesystem::path& path, hid_t file);

/// Runs `work` and agrees on the outcome where there are ranks to agree with. A call that writes
/// through MPI-IO may synchronize the ranks, so it stands between two of these: one that checks its
/// arguments, one that reports how it went.
template <class Work>
void agree(const std::optional<Communicator>& communicator, Work&& work) {
  if (communicator) {
    communicator->agree(work);
  } else {
    work();
  }
}

/// The type in memory that stands for Scalar.
template <class Scalar>
hid_t memory_type();
template <>
inline hid_t memory_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t memory_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t memory_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t memory_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t memory_type<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}

/// The type in the file that stands for Scalar: little-endian whatever the machine.
template <class Scalar>
hid_t file_type();
template <>
inline hid_t file_type<float>() {
  return H5T_IEEE_F32LE;
}
template <>
inline hid_t file_type<double>() {
  return H5T_IEEE_F64LE;
}
template <>
inline hid_t file_type<std::int32_t>() {
  return H5T_STD_I32LE;
}
template <>
inline hid_t file_type<std::int64_t>() {
  return H5T_STD_I64LE;
}
template <>
inline hid_t file_type<std::uint8_t>() {
  return H5T_STD_U8LE;
}

}  // namespace otfleet::distributed::detail
