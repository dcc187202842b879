#pragma once
#include <hdf5.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

namespace otfleet::testing {

/// Adds the attribute `shape`, integers [2], to a group of an HDF5 file, as AnnData does.
inline void set_shape(const std::filesystem::path& file, const std::string& group,
                      const std::vector<std::int64_t>& shape, const char* name = "shape") {
  const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t owner = H5Oopen(opened, group.c_str(), H5P_DEFAULT);
  const hsize_t extent = shape.size();
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t attribute = H5Acreate2(owner, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  const bool written = H5Awrite(attribute, H5T_NATIVE_INT64, shape.data()) >= 0;
  H5Aclose(attribute);
  H5Sclose(space);
  H5Oclose(owner);
  if (H5Fclose(opened) < 0 || !written) throw std::runtime_error("cannot write " + file.string());
}

/// An .h5ad file with the dense matrix [rows, columns] as /X in compressed rows or columns, and a
/// dense /obsm/X_pca of its first two columns.
inline void write_h5ad(const std::filesystem::path& path, std::int64_t rows, std::int64_t columns,
                       const std::vector<double>& dense, bool by_rows = true) {
  std::vector<double> values, leading;
  std::vector<std::int32_t> indices, offsets = {0};
  const auto lines = by_rows ? rows : columns, across = by_rows ? columns : rows;
  for (std::int64_t line = 0; line < lines; ++line) {
    for (std::int64_t k = 0; k < across; ++k) {
      const double value =
          dense[static_cast<std::size_t>(by_rows ? line * columns + k : k * columns + line)];
      if (value == 0) continue;
      values.push_back(value);
      indices.push_back(static_cast<std::int32_t>(k));
    }
    offsets.push_back(static_cast<std::int32_t>(values.size()));
  }
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t k = 0; k < 2; ++k)
      leading.push_back(dense[static_cast<std::size_t>(row * columns + k)]);
  auto file = distributed::Hdf5File::create(path);
  const auto count = static_cast<std::int64_t>(values.size());
  file.write<double>("/X/data", {count}, values);
  file.write<std::int32_t>("/X/indices", {count}, indices);
  file.write<std::int32_t>("/X/indptr", {lines + 1}, offsets);
  file.set_attribute("/X", "encoding-type", std::string(by_rows ? "csr_matrix" : "csc_matrix"));
  file.write<double>("/obsm/X_pca", {rows, 2}, leading);
  file.close();
  set_shape(path, "/X", {rows, columns});
}

}  // namespace otfleet::testing
