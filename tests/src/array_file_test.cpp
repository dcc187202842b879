#include "src/data/array_file.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "distributed/hdf5_file.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"
#include "tests/src/write_npz.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::bytes_of;
using testing::expect_error;
using testing::idx;
using testing::npy;
using testing::npy_header;
using testing::npz;
using testing::NpzOptions;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_gzip;
using Shape = std::vector<std::int64_t>;
using Values = std::vector<double>;

class ArrayFile : public ::testing::Test {
 protected:
  Array read(const std::string& bytes) {
    write_bytes(folder_ / "array", bytes);
    return read_array({folder_ / "array", ""});
  }
  template <class... Parts>
  void expect_refused(const std::string& bytes, const Parts&... parts) {
    expect_error([&] { read(bytes); }, (folder_ / "array").string() + ": ", parts...);
  }
  /// A compressed and a plain dataset, an integer one, a text one, a group.
  std::filesystem::path make_hdf5() {
    const auto path = folder_ / "arrays.h5";
    auto file = Hdf5File::create(path);
    file.write<double>("/group/numbers", {2, 2}, Values{1, 2, 3, 4});
    file.write<std::uint8_t>("/bytes", {3}, std::vector<std::uint8_t>{0, 128, 255});
    file.close();
    return path;
  }
  TemporaryFolder folder_;
};

TEST_F(ArrayFile, ReadsEveryNpyType) {
  const auto check = [&]<class Scalar>(Scalar, const char* type) {
    const auto array =
        read(npy(npy_header(type, "(3,)"), bytes_of(std::vector<Scalar>{0, 1, 100})));
    EXPECT_EQ(array.shape, Shape{3}) << type;
    EXPECT_EQ(array.values, (Values{0, 1, 100})) << type;
  };
  check(std::int8_t{}, "|i1");
  check(std::uint8_t{}, "|u1");
  check(std::uint8_t{}, "<u1");
  check(std::int16_t{}, "<i2");
  check(std::uint16_t{}, "<u2");
  check(std::int32_t{}, "<i4");
  check(std::uint32_t{}, "<u4");
  check(std::int64_t{}, "<i8");
  check(std::uint64_t{}, "<u8");
  check(float{}, "<f4");
  check(double{}, "<f8");
  EXPECT_EQ(read(npy(npy_header("|b1", "(2,)"), std::string("\0\1", 2))).values, (Values{0, 1}));
}

TEST_F(ArrayFile, ReadsBigEndianNpy) {
  const auto check = [&]<class Scalar>(Scalar, const char* type) {
    const std::vector<Scalar> numbers = {0, 1, 100};
    const auto array = read(npy(npy_header(type, "(3,)"), bytes_of(numbers, true)));
    EXPECT_EQ(array.values, (Values{0, 1, 100})) << type;
  };
  check(std::int8_t{}, ">i1");
  check(std::int16_t{}, ">i2");
  check(std::uint16_t{}, ">u2");
  check(std::int32_t{}, ">i4");
  check(std::uint32_t{}, ">u4");
  check(std::int64_t{}, ">i8");
  check(std::uint64_t{}, ">u8");
  check(float{}, ">f4");
  check(double{}, ">f8");
  const std::vector<std::uint16_t> halves = {0x3c00, 0xc000};
  EXPECT_EQ(read(npy(npy_header(">f2", "(2,)"), bytes_of(halves, true))).values, (Values{1, -2}));
  // Fortran order, too: the bytes of a value turn, not the values.
  EXPECT_EQ(read(npy(npy_header(">f8", "(2, 2)", true), bytes_of(Values{1, 2, 3, 4}, true))).values,
            (Values{1, 3, 2, 4}));
}

TEST_F(ArrayFile, ReadsHalfPrecision) {
  // 1, -2, smallest subnormal, largest, infinity, NaN
  const std::vector<std::uint16_t> bits = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x7e00};
  const auto values = read(npy(npy_header("<f2", "(6,)"), bytes_of(bits))).values;
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], -2);
  EXPECT_EQ(values[2], std::ldexp(1.0, -24));
  EXPECT_EQ(values[3], 65504);
  EXPECT_TRUE(std::isinf(values[4]));
  EXPECT_TRUE(std::isnan(values[5]));
}

TEST_F(ArrayFile, ReadsNpyVersionsAndOrders) {
  const auto data = bytes_of(std::vector<float>{1, 2, 3, 4, 5, 6});
  for (const int version : {1, 2, 3}) {
    const auto array = read(npy(npy_header("<f4", "(2, 3)"), data, version));
    EXPECT_EQ(array.shape, (Shape{2, 3}));
    EXPECT_EQ(array.values, (Values{1, 2, 3, 4, 5, 6}));
  }
  EXPECT_EQ(read(npy(npy_header("<f4", "(2, 3)", true), data)).values, (Values{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(read(npy(npy_header("<f4", "(1, 3, 2)", true), data)).values,
            (Values{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(read(npy(npy_header("<f4", "(2L, 3L)"), data)).shape, (Shape{2, 3}));
  EXPECT_EQ(read(npy(npy_header("<f4", "()"), data.substr(0, 4))).values, Values{1});
  EXPECT_EQ(read(npy(npy_header("<f4", "(0, 4611686018427387904, 8)"), "")).values.size(), 0u);
  EXPECT_TRUE(read(npy(npy_header("<f4", "(3, 0)", true), "")).values.empty());
}

TEST_F(ArrayFile, RefusesBadNpy) {
  const std::string four(4, '\0');
  expect_refused(npy(npy_header("<f8", "(3,)"), four), "truncated");
  expect_refused(npy(npy_header("<f8", "(3,)"), std::string(25, '\0')),
                 "more bytes than its header");
  expect_refused(npy(npy_header("<f8", "(3,)"), four).substr(0, 30), "truncated");
  expect_refused(std::string("\x93NUMPY\x01", 7), "truncated");
  expect_refused(std::string("\x93NUMP", 5), "truncated");
  expect_refused(npy(npy_header("<c16", "(3,)"), four), "unsupported .npy type '<c16'");
  expect_refused(npy(npy_header("|O", "(3,)"), four), "unsupported .npy type '|O'");
  expect_refused(npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", four),
                 "unsupported .npy type");
  expect_refused(npy(npy_header("<f4", "(-1,)"), four), "negative dimension -1");
  expect_refused(npy(npy_header("<f4", "(99999999999999999999,)"), four), "damaged .npy header");
  expect_refused(npy(npy_header("<f4", "(4294967296, 4294967296)"), four), "impossible shape");
  expect_refused(npy(npy_header("<f4", "(1000000000000,)"), four), "cannot come from");
  expect_refused(npy(npy_header("<f4", "(1"), four), "damaged .npy header");
  expect_refused(npy(npy_header("<f4", "[1]"), four), "damaged .npy header");
  expect_refused(npy("{'descr': '<f4', 'shape': (1,)}", four), "no 'fortran_order'");
  expect_refused(npy("", four), "no 'descr'");
  expect_refused(npy(npy_header("<f4", "(1,)"), four, 9), "unsupported .npy version 9");
  expect_refused(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff", 12), "header of 4294967295 bytes");
}

TEST_F(ArrayFile, ReadsEveryIdxTypePlainAndGzipped) {
  const auto check = [&]<class Scalar>(Scalar, int type) {
    const auto bytes = idx(type, {3, 1}, bytes_of(std::vector<Scalar>{0, 1, 100}, true));
    write_gzip(folder_ / "array.gz", bytes);
    for (const auto& array : {read(bytes), read_array({folder_ / "array.gz", ""})}) {
      EXPECT_EQ(array.shape, (Shape{3, 1})) << type;
      EXPECT_EQ(array.values, (Values{0, 1, 100})) << type;
    }
  };
  check(std::uint8_t{}, 0x08);
  check(std::int8_t{}, 0x09);
  check(std::int16_t{}, 0x0B);
  check(std::int32_t{}, 0x0C);
  check(float{}, 0x0D);
  check(double{}, 0x0E);
}

TEST_F(ArrayFile, RefusesBadIdx) {
  expect_refused(idx(0x08, {3}, "ab"), "truncated");
  expect_refused(idx(0x08, {3}, "abcd"), "more bytes than its header");
  expect_refused(idx(0x08, {-3}, "abc"), "negative dimension -3");
  expect_refused(idx(0x08, {}, ""), "0 dimensions");
  expect_refused(idx(0x07, {3}, "abc"), "unsupported IDX type 0x07");
  expect_refused(idx(0x08, std::vector<std::int32_t>(9, 1), "a"), "9 dimensions");
  expect_refused(idx(0x0E, std::vector<std::int32_t>(4, 2147483647), "a"), "impossible shape");
  expect_refused(idx(0x08, {2147483647, 4}, "a"), "cannot come from");
  expect_refused(idx(0x08, {3}, "abc").substr(0, 6), "truncated");
}

TEST_F(ArrayFile, RefusesDamagedGzip) {
  write_gzip(folder_ / "good.gz", idx(0x08, {1000}, std::string(1000, 'a')));
  const auto good = read_bytes(folder_ / "good.gz");
  expect_refused(good.substr(0, good.size() - 9), "truncated");
  auto checksum = good;
  checksum[checksum.size() - 6] ^= 1;
  expect_refused(checksum, "damaged");
  // A header of many values, and few of them: refused before memory is taken.
  write_gzip(folder_ / "liar.gz", idx(0x08, {2147483647}, "abc"));
  expect_error([&] { read_array({folder_ / "liar.gz", ""}); }, "cannot come from");
}

TEST_F(ArrayFile, ReadsHdf5) {
  const auto path = make_hdf5();
  const auto numbers = read_array({path, "group/numbers"});
  EXPECT_EQ(numbers.shape, (Shape{2, 2}));
  EXPECT_EQ(numbers.values, (Values{1, 2, 3, 4}));
  EXPECT_EQ(read_array({path, "/bytes"}).values, (Values{0, 128, 255}));
}

TEST_F(ArrayFile, RefusesBadHdf5) {
  const auto path = make_hdf5();
  const auto refused = [&](const std::string& dataset, const std::string& message) {
    expect_error([&] { read_array({path, dataset}); }, path.string(), message);
  };
  refused(
      "",
      "an HDF5 file needs a dataset's name, as in arrays.h5:NAME; it holds /bytes, /group/numbers");
  refused("none", "no dataset 'none'; it holds /bytes, /group/numbers");
  refused("group", "is a group, no dataset 'group'");
  refused("bytes/deeper", "no dataset");
  const auto bytes = read_bytes(path);
  for (const double part : {0.1, 0.5, 0.9}) {
    write_bytes(path, bytes.substr(0, static_cast<std::size_t>(part * bytes.size())));
    refused("bytes", "");
  }
}

/// As numpy.savez (stored) and numpy.savez_compressed (deflated) write them.
class NpzFile : public ArrayFile {
 protected:
  static std::string array(const Values& values) {
    return npy(npy_header("<f8", "(" + std::to_string(values.size()) + ",)"), bytes_of(values));
  }
};

TEST_F(NpzFile, ReadsTheOnlyArrayOrTheOneNamed) {
  const Values long_one(100000, 0.25);
  for (const bool deflate : {false, true})
    for (const bool zip64 : {false, true}) {
      const NpzOptions options{deflate, zip64, false, -1};
      EXPECT_EQ(read(npz({{"arr_0.npy", array({1, 2, 3})}}, options)).values, (Values{1, 2, 3}));
      write_bytes(folder_ / "two.npz",
                  npz({{"a.npy", array({1})}, {"b.npy", array(long_one)}, {"text.txt", "no array"}},
                      options));
      EXPECT_EQ(read_array({folder_ / "two.npz", "a"}).values, Values{1});
      EXPECT_EQ(read_array({folder_ / "two.npz", "b"}).values, long_one);
      EXPECT_EQ(read_array({folder_ / "two.npz", "b.npy"}).shape, Shape{100000});
      expect_error(
          [&] {
            read_array({folder_ / "two.npz", ""});
          },
          "two.npz: holds several arrays, a, b; name one, as in file = \"two.npz:a\"");
      expect_error(
          [&] {
            read_array({folder_ / "two.npz", "c"});
          },
          "two.npz: no array 'c'; it holds a, b");
    }
}

TEST_F(NpzFile, RefusesWhatItCannotRead) {
  const auto good = npz({{"a.npy", array({1, 2, 3})}}, {});
  expect_refused(npz({}, {}), "a zip archive without arrays");
  expect_refused(npz({{"a.txt", "text"}}, {}), "a zip archive without arrays");
  expect_refused(npz({{"a.npy", "text, and long enough"}}, {}), "holds no .npy array");
  expect_refused(npz({{"a.npy", array({1})}}, {false, false, true, -1}), "'a.npy' is encrypted");
  expect_refused(npz({{"a.npy", array({1})}}, {false, false, false, 12}),
                 "compressed by method 12");
  expect_refused(npz({{"a.npy", array({1}).substr(0, 70)}}, {}), "truncated");
  for (std::size_t size = 4; size < good.size(); size += 7)
    expect_refused(good.substr(0, size), "");
  for (const bool deflate : {false, true}) {
    auto flipped = npz({{"a.npy", array(Values(1000, 0.125))}}, {deflate, false, false, -1});
    flipped[deflate ? 100 : 5000] ^= 4;
    expect_refused(flipped, deflate ? "" : "the checksum of 'a.npy' is another");
  }
}

TEST_F(ArrayFile, ReadsTruthValuesInHdf5) {
  const auto path = folder_ / "bool.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const auto write = [&](const char* name, const char* first, const char* second, hid_t base) {
    const hid_t type = H5Tenum_create(base);
    std::int64_t values[] = {0, 1};  // little-endian: of any width
    H5Tenum_insert(type, first, &values[0]);
    H5Tenum_insert(type, second, &values[1]);
    const hsize_t size = 3;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    const hid_t data = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const std::int8_t bytes[] = {1, 0, 1};
    H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
    H5Dclose(data);
    H5Sclose(space);
    H5Tclose(type);
  };
  write("truth", "FALSE", "TRUE", H5T_STD_I8LE);
  write("colors", "RED", "BLUE", H5T_STD_I8LE);
  H5Fclose(file);
  EXPECT_EQ(read_array({path, "truth"}).values, (Values{1, 0, 1}));
  expect_error([&] { read_array({path, "colors"}); }, "/colors: must hold integers or");
}

TEST_F(ArrayFile, NamesAFilterThatIsMissing) {
  const auto path = folder_ / "packed.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  // A filter that is there while the file is written, and not any more when it is read.
  constexpr H5Z_filter_t number = 299;
  const H5Z_class2_t filter = {H5Z_CLASS_T_VERS,
                               number,
                               1,
                               1,
                               "squeeze",
                               nullptr,
                               nullptr,
                               [](unsigned, std::size_t, const unsigned*, std::size_t bytes,
                                  std::size_t*, void**) { return bytes; }};
  ASSERT_GE(H5Zregister(&filter), 0);
  const hsize_t size = 3;
  const hid_t space = H5Screate_simple(1, &size, nullptr), chunked = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(chunked, 1, &size);
  H5Pset_filter(chunked, number, H5Z_FLAG_MANDATORY, 0, nullptr);
  const hid_t data =
      H5Dcreate2(file, "x", H5T_IEEE_F64LE, space, H5P_DEFAULT, chunked, H5P_DEFAULT);
  const double values[] = {1, 2, 3};
  ASSERT_GE(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(data);
  H5Pclose(chunked);
  H5Sclose(space);
  H5Fclose(file);
  EXPECT_EQ(read_array({path, "x"}).values, (Values{1, 2, 3}));
  ASSERT_GE(H5Zunregister(number), 0);
  expect_error(
      [&] {
        read_array({path, "x"});
      },
      "packed.h5: dataset '/x' is compressed by", "filter 299 ('squeeze'), which is not installed",
      "HDF5_PLUGIN_PATH");
}

TEST_F(ArrayFile, RefusesTextInHdf5) {
  const auto path = folder_ / "text.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  const hid_t data = H5Dcreate2(file, "text", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose(data);
  // A dataset that claims a petabyte and stores nothing.
  const hsize_t huge = hsize_t{1} << 47, chunk = 1024;
  const hid_t wide = H5Screate_simple(1, &huge, nullptr), chunked = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(chunked, 1, &chunk);
  const hid_t sparse =
      H5Dcreate2(file, "sparse", H5T_NATIVE_DOUBLE, wide, H5P_DEFAULT, chunked, H5P_DEFAULT);
  H5Dclose(sparse);
  H5Pclose(chunked);
  H5Sclose(wide);
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(file);
  expect_error([&] { read_array({path, "text"}); }, "text.h5: /text: must hold integers or");
  expect_error([&] { read_array({path, "sparse"}); }, "text.h5: /sparse: ", "cannot come from");
}

TEST_F(ArrayFile, RefusesForeignFiles) {
  expect_refused("", "is empty");
  expect_refused("a,b,c\n1,2,3\n", "is none of HDF5 (.h5, .h5ad), NumPy .npy, NumPy .npz, IDX",
                 "numpy.save");
  expect_refused("a", "is none of HDF5");
  expect_refused("PK\x03\x04 rest of an archive", "a zip archive without its directory");
  expect_error([&] { read_array({folder_ / "none", ""}); }, "none: no such file");
  expect_error([&] { read_array({folder_.path(), ""}); }, "a folder without *.png images");
  write_bytes(folder_ / "array", npy(npy_header("|u1", "(1,)"), "a"));
  expect_error(
      [&] {
        read_array({folder_ / "array", "images"});
      },
      "this is neither an HDF5 file nor an .npz archive");
}

}  // namespace
}  // namespace otfleet
