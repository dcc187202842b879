#include "distributed/hdf5_checksum.hpp"

#include <zlib.h>

#include <cstdio>

#include "distributed/error.hpp"

namespace otfleet::distributed {
namespace {

class Checksum {
 public:
  explicit Checksum(const Hdf5File& file) : file_(file) {}

  std::string of_all() {
    add_object("/");
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08lx", sum_);
    return digits;
  }

 private:
  void add_bytes(const void* bytes, std::size_t count) {
    if (count == 0) return;  // zlib takes a null pointer for "begin anew"
    sum_ = crc32_z(sum_, static_cast<const Bytef*>(bytes), count);
  }

  void add_text(const std::string& text) { add_bytes(text.c_str(), text.size() + 1); }

  template <class Scalar>
  void add_values(const std::string& dataset) {
    const auto values = file_.read<Scalar>(dataset);
    add_bytes(values.data(), values.size() * sizeof(Scalar));
  }

  void add_dataset(const std::string& dataset) {
    const DatasetInfo info = file_.info(dataset);
    add_bytes(info.shape.data(), info.shape.size() * sizeof(info.shape[0]));
    if (info.is_float)
      info.bytes_per_value <= 4 ? add_values<float>(dataset) : add_values<double>(dataset);
    else if (info.is_integer)
      add_values<std::int64_t>(dataset);
  }

  void add_object(const std::string& object) {
    add_text(object);
    for (const auto& name : file_.attributes(object)) {
      if (object == "/" && name == checksum_attribute) continue;
      add_text(name);
      add_text(file_.attribute_text(object, name));
    }
    if (!file_.is_group(object)) return add_dataset(object);
    for (const auto& child : file_.children(object))
      add_object((object == "/" ? object : object + "/") + child);
  }

  const Hdf5File& file_;
  unsigned long sum_ = 0;
};

}  // namespace

std::string content_checksum(const Hdf5File& file) {
  return Checksum(file).of_all();
}

void seal(Hdf5File& file) {
  file.set_attribute("/", checksum_attribute, content_checksum(file));
}

void check_seal(const Hdf5File& file) {
  const auto sealed = file.string_attribute("/", checksum_attribute);
  if (sealed && *sealed != content_checksum(file))
    throw UserError(file.path().string() + ": is damaged: its contents have changed since it was " +
                    "written (checksum " + *sealed + ")");
}

}  // namespace otfleet::distributed
