// Names in population files, as users write them with h5py.
#include "src/populations/population_names.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::expect_error;
using Values = std::vector<double>;

/// Populations of every kind, to which one mistake is added at a time.
class StrictNames : public ::testing::Test {
 protected:
  using Change = std::function<void(Hdf5File&)>;

  /// Two points a side, one problem; `kind` also where the attribute of that name is left out.
  void write(const std::string& kind, const Change& change, bool with_cost = true) {
    auto file = Hdf5File::create(path_);
    file.create_group("/geometry");
    file.set_attribute("/geometry", "kind", kind);
    if (kind == "grid") file.write<double>("/geometry/axis_0", {2}, Values{0, 1});
    if (kind == "dense") file.write<double>("/geometry/cost", {2, 2}, Values{0, 1, 1, 0});
    if (kind == "points")
      for (const char* side : {"/geometry/source_points", "/geometry/target_points"})
        file.write<double>(side, {2, 1}, Values{0, 1});
    if (kind == "clouds") {
      file.write<double>("/measures/points", {2, 1}, Values{0, 1});
      file.write<std::int64_t>("/measures/offsets", {2}, std::vector<std::int64_t>{0, 2});
      file.write<double>("/measures/weights", {2}, Values{1, 1});
    } else {
      file.write<double>("/measures/weights", {1, 2}, Values{1, 1});
    }
    if (with_cost && (kind == "points" || kind == "clouds"))
      file.set_attribute("/geometry", "cost", std::string("euclidean"));
    for (const char* side : {"/problems/source", "/problems/target"})
      file.write<std::int32_t>(side, {1}, std::vector<std::int32_t>{0});
    change(file);
    file.close();
  }
  template <class... Parts>
  void expect_refused_as(const std::string& kind, const Change& change, const Parts&... parts) {
    write(kind, change);
    expect_refused_now(kind, parts...);
  }
  template <class... Parts>
  void expect_refused_now(const std::string& kind, const Parts&... parts) {
    expect_error(
        [&] {
          if (kind == "clouds")
            read_cloud_population(path_);
          else
            read_population(path_);
        },
        path_.string() + ": ", parts...);
  }
  static Change text(const std::string& object, const std::string& name, const std::string& value) {
    return [=](Hdf5File& file) { file.set_attribute(object, name, value); };
  }
  static Change number(const std::string& object, const std::string& name, double value) {
    return [=](Hdf5File& file) { file.set_attribute(object, name, value); };
  }
  static Change numbers(const std::string& dataset) {
    return [=](Hdf5File& file) { file.write<double>(dataset, {2}, Values{0, 1}); };
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "pop.h5";
};

TEST_F(StrictNames, GoodFilesOfEveryKindAreRead) {
  for (const char* kind : {"grid", "dense", "points"}) {
    write(kind, [](Hdf5File&) {});
    EXPECT_NO_THROW(read_population(path_)) << kind;
  }
  write("clouds", [](Hdf5File&) {});
  EXPECT_EQ(read_cloud_population(path_).cost_name(), "euclidean");
  write("grid", text("/geometry", "cost", "squared_euclidean"));
  EXPECT_NO_THROW(read_population(path_));
  write("dense", text("/geometry", "cost", "matrix"));
  EXPECT_NO_THROW(read_population(path_));
  // What a user notes on the file itself or in groups of another name is nobody's business.
  write("grid", [](Hdf5File& file) {
    file.set_attribute("/", "author", std::string("me"));
    file.create_group("/notes");
  });
  EXPECT_NO_THROW(read_population(path_));
}

TEST_F(StrictNames, OnlyMeasuresWithPointsOfTheirOwnHaveNames) {
  const auto named = [](Hdf5File& file) { file.write_strings("/measures/names", {"a.png"}); };
  write("clouds", named);
  EXPECT_EQ(read_cloud_population(path_).sources.names, std::vector<std::string>{"a.png"});
  expect_refused_as("grid", named, "/measures/names says nothing where the geometry's kind is");
  expect_refused_as(
      "clouds", [](Hdf5File& file) { file.write_strings("/measures/source_names", {"a"}); },
      "/measures/source_names says nothing");
  expect_refused_as("clouds", numbers("/measures/names"),
                    "'/measures/names' is no list of strings");
  expect_refused_as(
      "clouds", [](Hdf5File& file) { file.write_strings("/measures/names", {}); },
      "/measures/names is empty; leave it out, or name all measures");
}

TEST_F(StrictNames, UnknownNamesSayTheNearest) {
  for (const char* kind : {"grid", "dense", "points", "clouds"}) {
    expect_refused_as(kind, text("/geometry", "costs", "euclidean"),
                      "/geometry: unknown attribute 'costs'; did you mean 'cost'?");
    expect_refused_as(kind, number("/geometry", "pwer", 2),
                      "/geometry: unknown attribute 'pwer'; did you mean 'power'?");
    expect_refused_as(kind, text("/geometry", "something_else", "x"),
                      "unknown attribute 'something_else'; known are 'kind', 'cost', 'power'");
    expect_refused_as(kind, text("/measures", "cost", "euclidean"),
                      "/measures: unknown attribute 'cost'; it has none");
    expect_refused_as(kind, text("/problems", "epsilon", "1"),
                      "/problems: unknown attribute 'epsilon'");
    expect_refused_as(kind, numbers("/geometry/target_point"),
                      "/geometry: unknown dataset 'target_point'; did you mean 'target_points'?");
    expect_refused_as(kind, numbers("/measures/weigths"),
                      "/measures: unknown dataset 'weigths'; did you mean 'weights'?");
    expect_refused_as(kind, numbers("/problems/sources"),
                      "/problems: unknown dataset 'sources'; did you mean 'source'?");
  }
}

TEST_F(StrictNames, AttributesOfTheGeometryBelongToIt) {
  for (const char* kind : {"grid", "dense", "points", "clouds"}) {
    expect_refused_as(kind, text("/", "cost", "euclidean"),
                      "attribute 'cost' of / says nothing there; it belongs to /geometry");
    expect_refused_as(kind, number("/problems/source", "power", 2),
                      "attribute 'power' of /problems/source says nothing there");
  }
}

TEST_F(StrictNames, AGridHasOneCost) {
  expect_refused_as("grid", text("/geometry", "cost", "euclidean"),
                    "/geometry, attribute cost = 'euclidean': a grid has cost 'squared_euclidean'");
  expect_refused_as("grid", number("/geometry", "power", 1), "power = 1 goes with cost = 'power'");
  expect_refused_as("grid", numbers("/geometry/cost"),
                    "/geometry/cost says nothing where the geometry's kind is 'grid'");
  expect_refused_as("grid", numbers("/geometry/axis_2"), "/geometry/axis_2 says nothing",
                    "it reads 'axis_0'");
}

TEST_F(StrictNames, PointsNeedACostAndAPowerItsNumber) {
  for (const char* kind : {"points", "clouds"}) {
    write(
        kind, [](Hdf5File&) {}, false);
    expect_refused_now(kind, "/geometry has no attribute cost; it must be one of",
                       "'squared_euclidean', 'euclidean'");
    expect_refused_as(kind, text("/geometry", "cost", "power"),
                      "cost = 'power' but no attribute power");
    expect_refused_as(kind, number("/geometry", "power", 2),
                      "power = 2 goes with cost = 'power' alone, the cost is 'euclidean'");
    expect_refused_as(kind, text("/geometry", "power", "2"), "is no number");
    expect_refused_as(kind, numbers("/geometry/axis_0"), "/geometry/axis_0 says nothing");
  }
  expect_refused_as("dense", number("/geometry", "power", 2), "the cost is 'matrix'");
  expect_refused_as("points", numbers("/measures/offsets"), "/measures/offsets says nothing");
  expect_refused_as("clouds", numbers("/measures/target_weights"),
                    "/measures/target_weights says nothing", "'weights', 'points', 'offsets'");
}

TEST_F(StrictNames, PointsThatTheCostCannotTakeAreNamed) {
  expect_refused_as("points", text("/geometry", "cost", "cosine"),
                    "/geometry/source_points row 0 is the zero vector");
  expect_refused_as(
      "points",
      [](Hdf5File& file) { file.set_attribute("/geometry", "cost", std::string("great_circle")); },
      "/geometry/source_points row 0 has the length 0", "unit vectors");
  expect_refused_as("clouds", text("/geometry", "cost", "cosine"),
                    "/measures/points measure 0 point 0 is the zero vector");
}

}  // namespace
}  // namespace otfleet
