// Tables as text, PNG images, sparse matrices, columns of AnnData.
#include <gtest/gtest.h>

#include <cmath>

#include "src/data/array_file.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_anndata.hpp"
#include "tests/src/write_arrays.hpp"
#include "tests/src/write_npz.hpp"
#include "tests/src/write_png.hpp"
#include "tests/src/write_sparse.hpp"

namespace otfleet {
namespace {

using testing::bytes_of;
using testing::expect_error;
using testing::npy;
using testing::npy_header;
using testing::write_bytes;
using testing::write_png;
using Shape = std::vector<std::int64_t>;
using Values = std::vector<double>;
using Bytes = std::vector<std::uint8_t>;

class ArrayFormats : public ::testing::Test {
 protected:
  Array read(const std::string& name, const std::string& dataset = "") {
    return read_array({folder_ / name, dataset});
  }
  Array read_text(const std::string& name, const std::string& text) {
    write_bytes(folder_ / name, text);
    return read(name);
  }
  template <class... Parts>
  void expect_refused(const std::string& name, const Parts&... parts) {
    expect_error([&] { read(name); }, (folder_ / name).string(), parts...);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(ArrayFormats, TablesOfNumbers) {
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"a.csv", "1,2.5,-3\n4e2,+5,.5\n"},
           {"header.csv", "\xEF\xBB\xBFx,y,z\r\n1,2.5,-3\r\n4e2,5,0.5"},
           {"semicolon.csv", "# made by hand\n\"x\";\"y\";\"z\"\n1;2.5;-3\n\n4e2;5;0.5\n"},
           {"a.tsv", "1\t2.5\t-3\n400\t 5\t0.5\t\n"},
           {"a.txt", "  1 2.5   -3 \n400 5\t0.5\n"},
           {"quoted.CSV", "\"1\",\"2.5\",\"-3\"\n\"400\",\"5\",\"0.5\"\n"}}) {
    if (name == "a.tsv") {
      write_bytes(folder_ / name, text);
      expect_refused(name, "line 2 has 4 fields, the lines before it 3");
      continue;
    }
    const auto array = read_text(name, text);
    EXPECT_EQ(array.shape, (Shape{2, 3})) << name;
    EXPECT_EQ(array.values, (Values{1, 2.5, -3, 400, 5, 0.5})) << name;
  }
  EXPECT_EQ(read_text("b.tsv", "1\t2\n3\t4\n").shape, (Shape{2, 2}));
  EXPECT_EQ(read_text("column.csv", "w\n1\n2\n3\n").shape, Shape{3});
  EXPECT_EQ(read_text("row.csv", "1,2,3\n").shape, (Shape{1, 3}));
  EXPECT_TRUE(std::isnan(read_text("nan.csv", "1,nan\n").values[1]));
  testing::write_gzip(folder_ / "zipped.csv.gz", "a,b\n1,2\n");
  EXPECT_EQ(read("zipped.csv.gz").values, (Values{1, 2}));
}

TEST_F(ArrayFormats, RefusesTablesThatAreNoNumbers) {
  const auto refused = [&](const std::string& text, const std::string& message) {
    write_bytes(folder_ / "bad.csv", text);
    expect_refused("bad.csv", message);
  };
  refused("x,y\n1,2\n3,four\n", "line 3, column 2: 'four' is no number");
  refused("x,y\n1,2\n3,\n", "line 3, column 2: the field is empty; fill it");
  refused("1,\n3,4\n", "line 1, column 2: the field is empty");
  refused(",0,1\n0,0.5,0.5\n", "line 1, column 1: the field is empty");
  refused("x;y\n1,5;2\n", "line 2, column 1: '1,5' is no number; write decimals with a point");
  refused("x,y\n1,2,3\n",
          "line 2 has 3 fields, the lines before it 2; give every line as many numbers");
  refused("1,2\n3\n", "line 2 has 1 fields");
  refused("x,y\n", "holds no numbers");
  refused("name,x\nA,1\n", "line 2, column 1: 'A' is no number; leave out columns of names");
  refused("1,2 3\n1,1 1\n", "line 2, column 2: '1 1' is no number");
}

TEST_F(ArrayFormats, FoldersOfImagesInTheOrderOfTheirNames) {
  std::filesystem::create_directory(folder_ / "images");
  write_png(folder_ / "images/b.png", 3, 2, Bytes{0, 1, 2, 3, 4, 255});
  write_png(folder_ / "images/a.PNG", 3, 2, Bytes{9, 9, 9, 7, 7, 7});
  // The same gray as color, opaque.
  write_png(folder_ / "images/c.png", 3, 2, Bytes{5, 5, 5, 255, 6, 6, 6, 255, 7, 7, 7, 255,
                                                  8, 8, 8, 255, 9, 9, 9, 255, 1, 1, 1, 255},
            PNG_FORMAT_RGBA);
  write_bytes(folder_ / "images/notes.txt", "no image");
  const auto array = read("images");
  EXPECT_EQ(array.shape, (Shape{3, 2, 3}));
  EXPECT_EQ(array.values, (Values{9, 9, 9, 7, 7, 7, 0, 1, 2, 3, 4, 255, 5, 6, 7, 8, 9, 1}));
  EXPECT_EQ(read("images/b.png").shape, (Shape{1, 2, 3}));

  write_png(folder_ / "images/d.png", 2, 2, Bytes{1, 2, 3, 4});
  expect_refused("images", "d.png: has 2 x 2 pixels, but a.PNG has 2 x 3", "of one size");
}

TEST_F(ArrayFormats, RefusesImagesThatAreNoWeights) {
  write_png(folder_ / "color.png", 1, 2, Bytes{5, 5, 5, 5, 6, 5}, PNG_FORMAT_RGB);
  expect_refused("color.png", "is a color image", "make it gray");
  write_png(folder_ / "clear.png", 1, 2, Bytes{5, 255, 6, 128}, PNG_FORMAT_GA);
  expect_refused("clear.png", "is transparent in places");
  write_bytes(folder_ / "photo.jpg", "\xff\xd8\xff\xe0");
  expect_refused("photo.jpg", "make it gray", "make.pixels");
  write_png(folder_ / "whole.png", 40, 40, Bytes(1600, 77));
  const auto bytes = testing::read_bytes(folder_ / "whole.png");
  for (std::size_t size = 8; size + 12 < bytes.size(); size += 5) {
    write_bytes(folder_ / "short.png", bytes.substr(0, size));
    expect_refused("short.png", "damaged or no PNG image");
  }
  expect_error([&] { read("whole.png", "name"); }, "a dataset is named");
}

TEST_F(ArrayFormats, SparseMatricesOfAnnData) {
  const Values dense = {0, 1.5, 0, 2, 0, 0, 0, 0, 0, 0, -3, 4};
  for (const bool by_rows : {true, false}) {
    testing::write_h5ad(folder_ / "cells.h5ad", 4, 3, dense, by_rows);
    const auto array = read("cells.h5ad", "X");
    EXPECT_EQ(array.shape, (Shape{4, 3}));
    EXPECT_EQ(array.values, dense);
    EXPECT_EQ(read("cells.h5ad", "obsm/X_pca").values, (Values{0, 1.5, 2, 0, 0, 0, 0, -3}));
    expect_refused("cells.h5ad", "needs a dataset's name, as in cells.h5ad:NAME; it holds /X, ",
                   "/obsm/X_pca");
    expect_error([&] { read("cells.h5ad", "obsm"); }, "'obsm' is a group", "/obsm/X_pca");
  }
}

TEST_F(ArrayFormats, DamagedSparseMatrices) {
  const auto write = [&](const std::vector<std::int32_t>& indices,
                         const std::vector<std::int32_t>& offsets, const Shape& shape) {
    auto file = distributed::Hdf5File::create(folder_ / "bad.h5");
    file.write<double>("/X/data", {2}, Values{1, 2});
    file.write<std::int32_t>("/X/indices", {static_cast<std::int64_t>(indices.size())}, indices);
    file.write<std::int32_t>("/X/indptr", {static_cast<std::int64_t>(offsets.size())}, offsets);
    file.close();
    if (!shape.empty()) testing::set_shape(folder_ / "bad.h5", "/X", shape, "h5sparse_shape");
  };
  const auto refused = [&](const std::string& message) {
    expect_error([&] { read("bad.h5", "X"); }, "bad.h5: /X", message);
  };
  write({0, 0}, {0, 2}, {1, 2});
  EXPECT_EQ(read("bad.h5", "X").values, (Values{3, 0}));
  write({0, 2}, {0, 1, 2}, {2, 2});
  refused("entry 1 has the index 2, of 2");
  write({0, -1}, {0, 1, 2}, {2, 2});
  refused("entry 1 has the index -1");
  write({0, 1}, {0, 2}, {2, 2});
  refused("indptr has 2 entries, not 3");
  write({0, 1}, {0, 3, 2}, {2, 2});
  refused("indptr exceeds the number of entries");
  write({0, 1}, {0, 2, 1, 2}, {3, 2});
  refused("indptr falls from 2 to 1");
  write({0, 1}, {0, 1, 1}, {2, 2});
  refused("indptr spans 0 to 1, not 0 to 2");
  write({0}, {0, 1, 2}, {2, 2});
  refused("1 indices for 2 values");
  write({0, 1}, {0, 1, 2}, {2, 2'000'000'000'000});
  refused("the whole matrix of 2 x 2000000000000 entries");
  write({0, 1}, {0, 1, 2}, {});
  refused("without the attribute 'shape'");
  {
    auto file = distributed::Hdf5File::create(folder_ / "bad.h5");
    file.write<double>("/X/data", {1}, Values{1});
    file.write<std::int32_t>("/X/indices", {1}, std::vector<std::int32_t>{0});
    file.write<std::int32_t>("/X/indptr", {2}, std::vector<std::int32_t>{0, 1});
    file.set_attribute("/X", "shape", std::string("1 x 1"));
  }
  expect_error([&] { read("bad.h5", "X"); }, "attribute 'shape' of '/X' is no list of integers");
}

TEST_F(ArrayFormats, Float32OfAnnData) {
  testing::write_anndata(folder_ / "cells.h5ad",
                         {{1, 0.5, 2, -4}, {0, 0}, {"control"}, {"a", "b"}});
  EXPECT_EQ(read("cells.h5ad", "X").shape, (Shape{2, 2}));
  EXPECT_EQ(read("cells.h5ad", "X").values, (Values{1, 0.5, 2, -4}));
  for (const std::string kind : {"csr_matrix", "csc_matrix"}) {
    auto file = distributed::Hdf5File::create(folder_ / "sparse.h5ad");
    file.write<float>("/X/data", {2}, std::vector<float>{0.5, 3});
    file.write<std::int32_t>("/X/indices", {2}, std::vector<std::int32_t>{1, 0});
    file.write<std::int32_t>("/X/indptr", {3}, std::vector<std::int32_t>{0, 1, 2});
    file.set_attribute("/X", "encoding-type", kind);
    file.close();
    testing::set_shape(folder_ / "sparse.h5ad", "/X", {2, 2});
    EXPECT_EQ(read("sparse.h5ad", "X").values,
              (kind == "csr_matrix" ? Values{0, 0.5, 3, 0} : Values{0, 3, 0.5, 0}));
  }
}

TEST_F(ArrayFormats, CategoricalColumnsAreTheirCodes) {
  testing::write_anndata(
      folder_ / "cells.h5ad",
      {std::vector<float>(8, 1), {1, -1, 0, 1}, {"control", "drug"}, {"a", "b"}});
  for (const char* column : {"obs/condition", "/obs/condition", "obs/condition/codes"}) {
    EXPECT_EQ(read("cells.h5ad", column).shape, Shape{4}) << column;
    EXPECT_EQ(read("cells.h5ad", column).values, (Values{1, -1, 0, 1})) << column;
  }
  expect_error([&] { read("cells.h5ad", "obs/note"); }, "cells.h5ad: /obs/note holds strings",
               "adata.obs['note'] = adata.obs['note'].astype('category')");
  expect_error([&] { read("cells.h5ad", "var/_index"); }, "/var/_index: must hold integers");
  expect_error([&] { read("cells.h5ad", "obs"); }, "'obs' is a group, no dataset",
               "it holds /X, /obs/condition");
}

/// Before AnnData 0.8 codes were the column itself, and categories lay beside it.
TEST_F(ArrayFormats, CategoricalColumnsOfEarlierAnnData) {
  distributed::Hdf5File::create(folder_ / "old.h5ad").close();
  testing::AmendedFile file(folder_ / "old.h5ad");
  file.add("/obs/condition", std::vector<std::int8_t>{0, 1, -1});
  file.add("/obs/__categories/condition", std::vector<std::string>{"control", "drug"});
  EXPECT_EQ(read("old.h5ad", "obs/condition").values, (Values{0, 1, -1}));
}

/// As scipy.sparse.save_npz writes them.
TEST_F(ArrayFormats, SparseMatricesOfSciPy) {
  const auto integers = [](const std::vector<std::int32_t>& values) {
    return npy(npy_header("<i4", "(" + std::to_string(values.size()) + ",)"), bytes_of(values));
  };
  const auto write = [&](const std::string& format) {
    write_bytes(
        folder_ / "bags.npz",
        testing::npz({{"indices.npy", integers({1, 0, 2})},
                      {"indptr.npy", integers({0, 1, 3})},
                      {"format.npy", npy(npy_header("|S3", "()"), format)},
                      {"shape.npy",
                       npy(npy_header("<i8", "(2,)"), bytes_of(std::vector<std::int64_t>{2, 3}))},
                      {"data.npy", npy(npy_header("<f8", "(3,)"), bytes_of(Values{4, 5, 6}))}}));
  };
  write("csr");
  EXPECT_EQ(read("bags.npz").shape, (Shape{2, 3}));
  EXPECT_EQ(read("bags.npz").values, (Values{0, 4, 0, 5, 0, 6}));
  EXPECT_EQ(read("bags.npz", "data").values, (Values{4, 5, 6}));
  write("coo");
  expect_refused("bags.npz", "format 'coo'", "matrix.tocsr()");
}

}  // namespace
}  // namespace otfleet
