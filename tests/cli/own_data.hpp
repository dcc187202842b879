#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "kernels/counter_random.hpp"
#include "tests/cli/run_program.hpp"
#include "tests/src/write_anndata.hpp"
#include "tests/src/write_npz.hpp"
#include "tests/src/write_png.hpp"
#include "tests/src/write_sparse.hpp"

// Small files of the kinds that users bring.

namespace otfleet::testing {

/// Numbers between 0 and 1, other ones for another stream.
inline std::vector<double> uniform(std::size_t count, int stream) {
  const kernels::CounterRandom random(7, static_cast<std::uint64_t>(stream));
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = random.uniform(i);
  return values;
}

inline void write_npy(const std::filesystem::path& file, const std::vector<std::int64_t>& shape,
                      const std::vector<double>& values) {
  std::string text = "(";
  for (const auto length : shape) text += std::to_string(length) + ", ";
  write_bytes(file, npy(npy_header("<f8", text + ")"), bytes_of(values)));
}

inline void write_csv(const std::filesystem::path& file, std::size_t columns,
                      const std::vector<double>& values, const std::string& header = "") {
  std::string text = header.empty() ? "" : header + '\n';
  for (std::size_t i = 0; i < values.size(); ++i)
    text += std::to_string(values[i]) + ((i + 1) % columns == 0 ? '\n' : ',');
  write_bytes(file, text);
}

/// A folder of images of 6 x 8 pixels.
inline void write_images(const std::filesystem::path& folder, int count) {
  std::filesystem::create_directories(folder);
  for (int k = 0; k < count; ++k) {
    std::vector<std::uint8_t> pixels;
    for (const double value : uniform(48, 100 + k))
      pixels.push_back(static_cast<std::uint8_t>(255 * value * value));
    write_png(folder / ("digit-" + std::to_string(k) + ".png"), 8, 6, pixels);
  }
}

/// As scipy.sparse.save_npz writes a matrix in compressed rows.
inline void write_bags(const std::filesystem::path& file, std::int64_t rows, std::int64_t columns) {
  std::vector<double> counts;
  std::vector<std::int32_t> indices, offsets = {0};
  const auto draws = uniform(static_cast<std::size_t>(rows * columns), 3);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t word = 0; word < columns; ++word) {
      const double draw = draws[static_cast<std::size_t>(row * columns + word)];
      if (draw < 0.7 && word != row) continue;
      counts.push_back(1 + std::floor(5 * draw));
      indices.push_back(static_cast<std::int32_t>(word));
    }
    offsets.push_back(static_cast<std::int32_t>(indices.size()));
  }
  const auto integers = [](const std::vector<std::int32_t>& values) {
    return npy(npy_header("<i4", "(" + std::to_string(values.size()) + ",)"), bytes_of(values));
  };
  write_bytes(file,
              npz({{"indices.npy", integers(indices)},
                   {"indptr.npy", integers(offsets)},
                   {"format.npy", npy(npy_header("|S3", "()"), "csr")},
                   {"shape.npy", npy(npy_header("<i8", "(2,)"),
                                     bytes_of(std::vector<std::int64_t>{rows, columns}))},
                   {"data.npy", npy(npy_header("<f8", "(" + std::to_string(counts.size()) + ",)"),
                                    bytes_of(counts))}}));
}

/// 40 cells of three types.
inline void write_cells(const std::filesystem::path& file) {
  auto expression = uniform(40 * 6, 4);
  for (double& value : expression) value = value < 0.5 ? 0 : value;
  write_h5ad(file, 40, 6, expression);
  std::vector<std::int8_t> codes;
  for (int cell = 0; cell < 40; ++cell) codes.push_back(static_cast<std::int8_t>(cell % 3));
  AmendedFile amended(file);
  amended.add("/obs/cell_type/codes", codes);
  amended.add("/obs/cell_type/categories", std::vector<std::string>{"B", "NK", "T"});
}

/// The files that `otfleet init KIND` names, and those that inputs/README.md says of the kind.
inline const std::map<std::string, std::function<void(const std::filesystem::path& folder)>>&
data_of_kinds() {
  using std::filesystem::path;
  static const std::map<std::string, std::function<void(const path&)>> all = {
      {"images", [](const path& folder) { write_images(folder / "images", 4); }},
      {"points",
       [](const path& folder) {
         write_npy(folder / "source.npy", {30, 2}, uniform(60, 0));
         write_npy(folder / "target.npy", {40, 2}, uniform(80, 1));
         write_csv(folder / "source.csv", 2, uniform(60, 0), "x,y");
         write_csv(folder / "target.csv", 2, uniform(80, 1));
         write_npy(folder / "source_weights.npy", {30}, uniform(30, 2));
       }},
      {"matrix",
       [](const path& folder) {
         write_npy(folder / "source.npy", {3, 10}, uniform(30, 0));
         write_npy(folder / "target.npy", {3, 12}, uniform(36, 1));
         write_npy(folder / "cost.npy", {10, 12}, uniform(120, 2));
       }},
      {"documents",
       [](const path& folder) {
         write_bags(folder / "bags.npz", 5, 30);
         write_npy(folder / "embeddings.npy", {30, 4}, uniform(120, 5));
       }},
      {"spectra",
       [](const path& folder) { write_csv(folder / "spectra.csv", 50, uniform(200, 6)); }},
      {"cells", [](const path& folder) { write_cells(folder / "cells.h5ad"); }}};
  return all;
}

}  // namespace otfleet::testing
