#pragma once
#include <hdf5.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace otfleet::test {

/// An HDF5 file that exists, to add what Hdf5File does not write.
class AmendedFile {
 public:
  explicit AmendedFile(const std::filesystem::path& path)
      : file_(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)),
        links_(H5Pcreate(H5P_LINK_CREATE)) {
    if (file_ < 0) throw std::runtime_error("cannot open " + path.string());
    H5Pset_create_intermediate_group(links_, 1);
  }
  ~AmendedFile() {
    H5Pclose(links_);
    H5Fclose(file_);
  }
  AmendedFile(const AmendedFile&) = delete;
  AmendedFile& operator=(const AmendedFile&) = delete;

  /// Strings of any length, by reference, as h5py writes them.
  void add(const std::string& dataset, const std::vector<std::string>& strings) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    std::vector<const char*> characters(strings.size());
    std::transform(strings.begin(), strings.end(), characters.begin(),
                   [](const std::string& string) { return string.c_str(); });
    add(dataset, strings.size(), type, type, characters.data());
    H5Tclose(type);
  }

  /// Strings of one length, `padding` says how shorter ones are filled.
  void add(const std::string& dataset, const std::vector<std::string>& strings, std::size_t length,
           H5T_str_t padding) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length);
    H5Tset_strpad(type, padding);
    std::string characters;
    for (auto string : strings) {
      string.resize(length, padding == H5T_STR_SPACEPAD ? ' ' : '\0');
      characters += string;
    }
    add(dataset, strings.size(), type, type, characters.data());
    H5Tclose(type);
  }

  void add(const std::string& dataset, const std::vector<std::int8_t>& codes) {
    add(dataset, codes.size(), H5T_STD_I8LE, H5T_NATIVE_INT8, codes.data());
  }

  /// An attribute of one string.
  void set(const std::string& object, const std::string& name, const std::string& value) {
    const hid_t owner = H5Oopen(file_, object.c_str(), H5P_DEFAULT);
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, value.size());
    const hid_t attribute = H5Acreate2(owner, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool written = H5Awrite(attribute, type, value.data()) >= 0;
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    H5Oclose(owner);
    if (!written) throw std::runtime_error("cannot write attribute " + name);
  }

 private:
  void add(const std::string& name, hsize_t count, hid_t type, hid_t in_memory,
           const void* values) {
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t dataset =
        H5Dcreate2(file_, name.c_str(), type, space, links_, H5P_DEFAULT, H5P_DEFAULT);
    const bool written = H5Dwrite(dataset, in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    H5Dclose(dataset);
    H5Sclose(space);
    if (!written) throw std::runtime_error("cannot write " + name);
  }

  hid_t file_, links_;
};

}  // namespace otfleet::test
