#include "distributed/hdf5_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "tests/distributed/amended_file.hpp"
#include "tests/distributed/test_folder.hpp"
#include "tests/distributed/throws.hpp"

namespace otfleet::distributed {
namespace {

class Hdf5FileTest : public testing::Test {
 protected:
  std::filesystem::path shared(const std::string& name) const { return folder_ / name; }
  /// A path that this rank has for itself.
  std::filesystem::path mine(const std::string& name) const {
    return folder_ / (name + std::to_string(world_.rank()));
  }

  Communicator world_ = Communicator::world();
  test::TestFolder folder_{world_};
};

template <class Scalar>
std::vector<Scalar> counted(std::size_t count, int first = 0) {
  std::vector<Scalar> values(count);
  std::iota(values.begin(), values.end(), static_cast<Scalar>(first));
  return values;
}

// ------------------------------------------------------------------------------ one rank, one file

template <class Scalar>
class Hdf5Scalars : public Hdf5FileTest {};
using Scalars = testing::Types<float, double, std::int32_t, std::int64_t, std::uint8_t>;
TYPED_TEST_SUITE(Hdf5Scalars, Scalars);

TYPED_TEST(Hdf5Scalars, RoundTripsItsExtremes) {
  using Limits = std::numeric_limits<TypeParam>;
  const std::vector<TypeParam> values{Limits::lowest(), Limits::max(), Limits::min(),
                                      TypeParam(0),     TypeParam(1),  TypeParam(2)};
  Hdf5File file = Hdf5File::create(this->mine("scalars"));
  file.write<TypeParam>("/a/values", {3, 2}, values);
  file.close();
  const Hdf5File again = Hdf5File::open(this->mine("scalars"));
  EXPECT_EQ(again.read<TypeParam>("/a/values"), values);
  const DatasetInfo info = again.info("/a/values");
  EXPECT_EQ(info.shape, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(info.is_float, !Limits::is_integer);
  EXPECT_EQ(info.is_integer, Limits::is_integer);
  EXPECT_EQ(info.bytes_per_value, sizeof(TypeParam));
}

TYPED_TEST(Hdf5Scalars, RoundTripsCollectively) {
  const int ranks = this->world_.size(), rank = this->world_.rank();
  constexpr std::int64_t rows = 5;
  const Shard own = block_shard(rows, rank, ranks);
  const auto whole = counted<TypeParam>(rows * 3);
  {
    Hdf5File file = Hdf5File::create(this->shared("scalars"), this->world_);
    file.create_dataset<TypeParam>("/values", {rows, 3});
    file.write_rows<TypeParam>("/values", own,
                               std::span(whole).subspan(own.begin * 3, own.size() * 3));
    file.close();
  }
  EXPECT_EQ(Hdf5File::open(this->shared("scalars")).template read<TypeParam>("/values"), whole);
}

TEST_F(Hdf5FileTest, KeepsInfinityAndNan) {
  const double inf = std::numeric_limits<double>::infinity();
  Hdf5File file = Hdf5File::create(mine("special"));
  file.write<double>("/f", {3}, std::vector<double>{-inf, inf, std::nan("")});
  file.close();
  const auto read = Hdf5File::open(mine("special")).read<double>("/f");
  EXPECT_EQ(read[0], -inf);
  EXPECT_EQ(read[1], inf);
  EXPECT_TRUE(std::isnan(read[2]));
}

TEST_F(Hdf5FileTest, ConvertsBetweenStoredAndAskedType) {
  Hdf5File file = Hdf5File::create(mine("convert"));
  file.write<std::uint8_t>("/pixels", {3}, std::vector<std::uint8_t>{0, 7, 255});
  file.create_dataset<float>("/rounded", {1});
  file.write_rows<double>("/rounded", {0, 1}, std::vector<double>{0.1});
  file.close();
  const Hdf5File again = Hdf5File::open(mine("convert"));
  EXPECT_EQ(again.read<double>("/pixels"), (std::vector<double>{0, 7, 255}));
  EXPECT_EQ(again.read<double>("/rounded"), std::vector<double>{static_cast<double>(0.1f)});
}

TEST_F(Hdf5FileTest, ReadsRows) {
  Hdf5File file = Hdf5File::create(mine("rows"));
  file.write<std::int32_t>("/x", {4, 2, 3}, counted<std::int32_t>(24));
  file.close();
  const Hdf5File again = Hdf5File::open(mine("rows"));
  std::vector<std::int32_t> rows(12);
  again.read_rows<std::int32_t>("/x", {1, 3}, rows);
  EXPECT_EQ(rows, counted<std::int32_t>(12, 6));
  again.read_rows<std::int32_t>("/x", {4, 4}, {});
}

TEST_F(Hdf5FileTest, SmallPiecesMoveTheSameValues) {
  const auto values = counted<double>(4 * 3 * 5);
  for (const std::size_t limit : {1, 8, 16, 40, 50, 120, 130, 1000}) {
    Hdf5File file = Hdf5File::create(mine("pieces"));
    file.limit_pieces(limit);
    file.write<double>("/x", {4, 3, 5}, values);
    file.close();
    Hdf5File again = Hdf5File::open(mine("pieces"));
    EXPECT_EQ(again.read<double>("/x"), values);
    again.limit_pieces(limit);
    EXPECT_EQ(again.read<double>("/x"), values);
    std::vector<double> rows(30);
    again.read_rows<double>("/x", {2, 4}, rows);
    EXPECT_EQ(rows, counted<double>(30, 30));
  }
}

TEST_F(Hdf5FileTest, HoldsDatasetsWithoutRowsAndWithoutDimensions) {
  Hdf5File file = Hdf5File::create(mine("edge"));
  file.write<double>("/none", {0, 4}, {});
  file.write<double>("/one", {}, std::vector<double>{2.5});
  file.close();
  const Hdf5File again = Hdf5File::open(mine("edge"));
  EXPECT_EQ(again.info("/none").shape, (std::vector<std::int64_t>{0, 4}));
  EXPECT_TRUE(again.read<double>("/none").empty());
  EXPECT_TRUE(again.info("/one").shape.empty());
  EXPECT_EQ(again.read<double>("/one"), std::vector<double>{2.5});
}

TEST_F(Hdf5FileTest, ReadsStrings) {
  const std::vector<std::string> strings = {"ACTB", "", "a gene", "\xCE\xB1"};
  Hdf5File::create(mine("strings")).close();
  {
    test::AmendedFile file(mine("strings"));
    file.add("/any_length", strings);
    file.add("/none", std::vector<std::string>{});
    file.add("/null_term", strings, 8, H5T_STR_NULLTERM);
    file.add("/null_pad", strings, 6, H5T_STR_NULLPAD);
    file.add("/space_pad", strings, 6, H5T_STR_SPACEPAD);
    file.add("/codes", std::vector<std::int8_t>{1, -1});
  }
  const Hdf5File file = Hdf5File::open(mine("strings"));
  for (const char* dataset : {"/any_length", "/null_term", "/null_pad", "/space_pad"}) {
    EXPECT_TRUE(file.info(dataset).is_string) << dataset;
    EXPECT_EQ(file.read_strings(dataset), strings) << dataset;
  }
  EXPECT_TRUE(file.read_strings("/none").empty());
  EXPECT_FALSE(file.info("/codes").is_string);
  EXPECT_EQ(
      test::user_error([&] { file.read_strings("/codes"); }),
      mine("strings").string() + ": dataset '/codes' is no list of strings; one was expected");
}

TEST_F(Hdf5FileTest, KnowsWhatIsHdf5) {
  Hdf5File::create(mine("file")).close();
  EXPECT_TRUE(Hdf5File::is_hdf5(mine("file")));
  EXPECT_FALSE(Hdf5File::is_hdf5(mine("absent")));
  EXPECT_FALSE(Hdf5File::is_hdf5(mine("file").parent_path()));
}

TEST_F(Hdf5FileTest, HoldsStrings) {
  const std::vector<std::string> strings = {"a.png", "", "Gr\u00fc\u00dfe", "ends in blanks  "};
  {
    Hdf5File file = Hdf5File::create(mine("strings"));
    file.write_strings("/names/all", strings);
    file.write_strings("/names/none", {});
    file.write_strings("/names/empty", {"", ""});
    OTFLEET_EXPECT_USER_ERROR(file.write_strings("/names/all", strings),
                              "cannot write dataset '/names/all'");
    file.close();
  }
  const Hdf5File again = Hdf5File::open(mine("strings"));
  EXPECT_EQ(again.read_strings("/names/all"), strings);
  EXPECT_TRUE(again.read_strings("/names/none").empty());
  EXPECT_EQ(again.read_strings("/names/empty"), (std::vector<std::string>{"", ""}));
  const DatasetInfo info = again.info("/names/all");
  EXPECT_TRUE(info.is_string);
  EXPECT_FALSE(info.is_float || info.is_integer);
  EXPECT_EQ(info.shape, std::vector<std::int64_t>{4});
  if (world_.size() == 1) return;
  Hdf5File collective = Hdf5File::create(shared("strings of all"), world_);
  EXPECT_THROW(collective.write_strings("/names", strings), std::logic_error);
}

TEST_F(Hdf5FileTest, CreateTruncates) {
  {
    Hdf5File file = Hdf5File::create(mine("twice"));
    file.write<double>("/old", {100}, counted<double>(100, 1));
  }
  {
    Hdf5File file = Hdf5File::create(mine("twice"));
    file.create_dataset<double>("/new", {100});
  }
  const Hdf5File again = Hdf5File::open(mine("twice"));
  EXPECT_EQ(again.children("/"), std::vector<std::string>{"new"});
  EXPECT_EQ(again.read<double>("/new"), std::vector<double>(100, 0.0));
}

TEST_F(Hdf5FileTest, ListsWhatItHolds) {
  Hdf5File file = Hdf5File::create(mine("tree"));
  file.create_group("/b/inner");
  file.create_group("/b");
  file.create_dataset<float>("/a/deep/x", {1});
  file.create_dataset<float>("/c", {1});
  file.close();
  const Hdf5File again = Hdf5File::open(mine("tree"));
  EXPECT_EQ(again.children("/"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(again.children("/b"), std::vector<std::string>{"inner"});
  EXPECT_TRUE(again.children("/b/inner").empty());
  for (const char* object : {"/", "/a", "/a/deep", "/a/deep/x", "/c"}) {
    EXPECT_TRUE(again.has(object)) << object;
  }
  for (const char* object : {"/d", "/a/x", "/d/e/f", "/c/below", "", "c"}) {
    EXPECT_FALSE(again.has(object)) << object;
  }
  EXPECT_TRUE(again.is_group("/"));
  EXPECT_TRUE(again.is_group("/a/deep"));
  EXPECT_FALSE(again.is_group("/c"));
  EXPECT_FALSE(again.is_group("/d"));
}

TEST_F(Hdf5FileTest, MovesLikeAValue) {
  Hdf5File first = Hdf5File::create(mine("first"));
  first.limit_pieces(8);
  Hdf5File moved = std::move(first);
  moved.write<double>("/x", {2}, counted<double>(2));
  EXPECT_THROW(first.has("/x"), std::logic_error);
  moved = Hdf5File::create(mine("second"));  // closes the first file
  EXPECT_EQ(moved.path(), mine("second"));
  EXPECT_EQ(Hdf5File::open(mine("first")).read<double>("/x"), counted<double>(2));
}

TEST_F(Hdf5FileTest, ManyRanksReadOneFile) {
  if (world_.is_root()) {
    Hdf5File file = Hdf5File::create(shared("input"));
    file.write<double>("/x", {7, 2}, counted<double>(14));
    file.close();
  }
  world_.barrier();
  const Hdf5File file = Hdf5File::open(shared("input"));
  const Shard own = block_shard(7, world_.rank(), world_.size());
  std::vector<double> rows(static_cast<std::size_t>(own.size()) * 2);
  file.read_rows<double>("/x", own, rows);
  EXPECT_EQ(rows, counted<double>(rows.size(), static_cast<int>(own.begin) * 2));
}

// -------------------------------------------------------------------------- all ranks, one file

TEST_F(Hdf5FileTest, EmptyShardsAndMoreRanksThanRows) {
  // The last rank alone owns the one row; then no rank owns any.
  const bool last = world_.rank() == world_.size() - 1;
  const std::vector<double> row = counted<double>(3, 4);
  {
    Hdf5File file = Hdf5File::create(shared("sparse"), world_);
    file.create_dataset<double>("/x", {1, 3});
    file.write_rows<double>("/x", last ? Shard{0, 1} : Shard{0, 0},
                            last ? std::span<const double>(row) : std::span<const double>());
    file.create_dataset<double>("/empty", {0, 3});
    file.write_rows<double>("/empty", {0, 0}, {});
    file.close();
  }
  const Hdf5File again = Hdf5File::open(shared("sparse"));
  EXPECT_EQ(again.read<double>("/x"), row);
  EXPECT_TRUE(again.read<double>("/empty").empty());
}

TEST_F(Hdf5FileTest, RowsNobodyWritesAreZero) {
  {
    Hdf5File file = Hdf5File::create(shared("holes"), world_);
    file.create_dataset<std::int64_t>("/first", {1000});
    file.create_dataset<std::int64_t>("/second", {1000});
    file.set_attribute("/first", "note", std::string("metadata after data"));
    const std::vector<std::int64_t> one{1};
    const bool root = world_.is_root();
    file.write_rows<std::int64_t>(
        "/second", root ? Shard{500, 501} : Shard{},
        root ? std::span<const std::int64_t>(one) : std::span<const std::int64_t>());
    file.close();
  }
  const Hdf5File again = Hdf5File::open(shared("holes"));
  std::vector<std::int64_t> expected(1000, 0);
  EXPECT_EQ(again.read<std::int64_t>("/first"), expected);
  expected[500] = 1;
  EXPECT_EQ(again.read<std::int64_t>("/second"), expected);
}

TEST_F(Hdf5FileTest, RanksWithUnequalPiecesStayInStep) {
  // Rank 0 owns almost all rows and cuts them small; the others have one row and one piece.
  const int ranks = world_.size(), rank = world_.rank();
  const std::int64_t rows = 20 + ranks - 1;
  const Shard own = rank == 0 ? Shard{0, 20} : Shard{19 + rank, 20 + rank};
  const auto whole = counted<float>(static_cast<std::size_t>(rows) * 4);
  {
    Hdf5File file = Hdf5File::create(shared("unequal"), world_);
    file.limit_pieces(rank == 0 ? 24 : 1 << 20);  // a row and a half
    file.create_dataset<float>("/x", {rows, 4});
    file.write_rows<float>("/x", own, std::span(whole).subspan(own.begin * 4, own.size() * 4));
    file.close();
  }
  EXPECT_EQ(Hdf5File::open(shared("unequal")).read<float>("/x"), whole);
}

TEST_F(Hdf5FileTest, WriteStoresTheValuesOfRankZero) {
  const double base = 100.0 * world_.rank();
  {
    Hdf5File file = Hdf5File::create(shared("whole"), world_);
    file.write<double>("/group/x", {2}, std::vector<double>{base + 1, base + 2});
    file.write<double>("/scalar", {}, std::vector<double>{base + 3});
    file.write<double>("/none", {0}, {});
    file.create_group("/empty");
    file.close();
  }
  const Hdf5File again = Hdf5File::open(shared("whole"));
  EXPECT_EQ(again.read<double>("/group/x"), (std::vector<double>{1, 2}));
  EXPECT_EQ(again.read<double>("/scalar"), std::vector<double>{3});
  EXPECT_TRUE(again.read<double>("/none").empty());
  EXPECT_TRUE(again.is_group("/empty"));
}

TEST_F(Hdf5FileTest, CollectiveWriteConvertsTypes) {
  const Shard own = block_shard(6, world_.rank(), world_.size());
  const auto whole = counted<double>(6, 1);
  {
    Hdf5File file = Hdf5File::create(shared("converted"), world_);
    file.create_dataset<float>("/x", {6});
    file.write_rows<double>("/x", own, std::span(whole).subspan(own.begin, own.size()));
    file.close();
  }
  EXPECT_EQ(Hdf5File::open(shared("converted")).read<double>("/x"), whole);
}

// ---------------------------------------------------------------------------------- attributes

TEST_F(Hdf5FileTest, AttributesRoundTripCollectively) {
  const std::string text = "{\"epsilon\": 0.05, \"Gr\u00fc\u00dfe\": true}\n";
  const std::string long_text(200000, 'x');  // past the 64 KB of HDF5's old format
  {
    Hdf5File file = Hdf5File::create(shared("attributes"), world_);
    file.create_dataset<double>("/x", {2});
    file.set_attribute("/", "version", std::int64_t{3});
    file.set_attribute("/", "job", text);
    file.set_attribute("/", "long", long_text);
    file.set_attribute("/", "empty", std::string());
    file.set_attribute("/x", "epsilon", 0.05);
    file.set_attribute("/x", "epsilon", std::string("replaced"));
    file.close();
  }
  const Hdf5File again = Hdf5File::open(shared("attributes"));
  EXPECT_EQ(again.attributes("/"), (std::vector<std::string>{"empty", "job", "long", "version"}));
  EXPECT_EQ(again.number_attribute("/", "version"), 3.0);
  EXPECT_EQ(again.string_attribute("/", "job"), text);
  EXPECT_EQ(again.string_attribute("/", "long"), long_text);
  EXPECT_EQ(again.string_attribute("/", "empty"), "");
  EXPECT_EQ(again.string_attribute("/x", "epsilon"), "replaced");
  EXPECT_EQ(again.attributes("/x"), std::vector<std::string>{"epsilon"});
  EXPECT_EQ(again.string_attribute("/x", "absent"), std::nullopt);
  EXPECT_EQ(again.number_attribute("/", "absent"), std::nullopt);
}

TEST_F(Hdf5FileTest, ReadsStringsOfOtherWriters) {
  // Variable length (h5py), padded with spaces (Fortran), ended by a zero (C).
  {
    Hdf5File made = Hdf5File::create(mine("foreign"));  // for the name only
  }
  const hid_t file = H5Fopen(mine("foreign").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t space = H5Screate(H5S_SCALAR);
  const auto put = [&](const char* name, std::size_t size, H5T_str_t padding, const void* value) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, padding);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, type, value), 0);
    H5Aclose(attribute);
    H5Tclose(type);
  };
  const char* text = "by reference";
  put("variable", H5T_VARIABLE, H5T_STR_NULLTERM, &text);
  put("spaces", 8, H5T_STR_SPACEPAD, "spaced  ");
  put("ended", 8, H5T_STR_NULLTERM, "end\0junk");
  H5Sclose(space);
  H5Fclose(file);
  const Hdf5File again = Hdf5File::open(mine("foreign"));
  EXPECT_EQ(again.string_attribute("/", "variable"), "by reference");
  EXPECT_EQ(again.string_attribute("/", "spaces"), "spaced");
  EXPECT_EQ(again.string_attribute("/", "ended"), "end");
}

}  // namespace
}  // namespace otfleet::distributed
