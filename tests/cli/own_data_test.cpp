// `otfleet solve --source …`: what it writes, and that this is a job as any other.
#include "tests/cli/own_data.hpp"

#include <nlohmann/json.hpp>

#include "src/populations/any_population.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;
using testing::ProgramResult;
using testing::read_bytes;
using testing::uniform;
using testing::write_bytes;
using testing::write_npy;
using Words = std::vector<std::string>;

class OwnDataTest : public ::testing::Test {
 protected:
  OwnDataTest() {
    write_npy(folder_ / "a.npy", {20, 3}, uniform(60, 0));
    write_npy(folder_ / "b.npy", {25, 3}, uniform(75, 1));
    write_npy(folder_ / "images.npy", {5, 4, 6}, uniform(120, 2));
  }
  fs::path path(const std::string& name) const { return folder_ / name; }

  ProgramResult run(const Words& words, int ranks = 1) {
    return ranks == 1 ? testing::run_otfleet(words, folder_.path())
                      : testing::run_otfleet_on_ranks(ranks, words, folder_.path());
  }
  /// otfleet solve … succeeds, and says every part.
  template <class... Parts>
  void expect_solved(Words words, const Parts&... parts) {
    words.insert(words.begin(), "solve");
    const auto result = run(words);
    EXPECT_EQ(result.code, 0) << result.err;
    for (const std::string& part : Words{std::string(parts)...})
      EXPECT_NE(result.out.find(part), std::string::npos) << "no '" << part << "' in:\n"
                                                          << result.out;
  }
  template <class... Parts>
  void expect_refused(Words words, const Parts&... parts) {
    words.insert(words.begin(), "solve");
    const auto result = run(words);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    for (const std::string& part : Words{std::string(parts)...})
      EXPECT_NE(result.err.find(part), std::string::npos)
          << "no '" << part << "' in: " << result.err;
  }
  std::vector<double> column(const std::string& output, const std::string& name) {
    return distributed::Hdf5File::open(path(output) / "solution.h5")
        .read<double>("/solution/" + name);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(OwnDataTest, WritesAJobThatSaysTheSame) {
  expect_solved({"--source", "a.npy", "--target", "b.npy", "--cost", "euclidean", "--set",
                 "solver.threshold=1e-5"},
                "a.npy [20, 3]: 20 points of 3 coordinates, equal weights (--kind weights or",
                "1 problem: pairs one_to_one, cost euclidean", "lower bound  upper bound",
                "converged\n", "next: edit a-out/job.toml",
                "otfleet solve a-out/job.toml --output a-out");
  const auto job = read_bytes(path("a-out/job.toml"));
  for (const char* line :
       {"otfleet solve --source a.npy --target b.npy --cost euclidean", "test.file = \"../a.npy\"",
        "geometry = \"clouds\"", "cost = \"euclidean\"", "threshold = 1e-05",
        "pairs.kind = \"one_to_one\"", "test_population = \"population.h5\""})
    EXPECT_NE(job.find(line), std::string::npos) << line << " in:\n" << job;
  EXPECT_TRUE(is_as_written(path("a-out/population.h5")));
  EXPECT_LT(column("a-out", "marginal_error")[0], 1e-5);
  // The job alone, and the population that make builds from it, give the same numbers.
  const auto from_job = run({"solve", "a-out/job.toml", "--output", "again"});
  EXPECT_EQ(from_job.code, 0) << from_job.err;
  const auto made = run({"make", "a-out/job.toml", "--output", "made"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(run({"solve", "a-out/job.toml", "--output", "remade", "--set",
                 "files.test_population=made/test.h5"})
                .code,
            0);
  for (const char* name : {"f", "g", "transport_cost", "dual_value", "lower_bound"}) {
    EXPECT_EQ(column("again", name), column("a-out", name)) << name;
    EXPECT_EQ(column("remade", name), column("a-out", name)) << name;
  }
}

/// Names inside files, files of other folders, and names that a shell must quote.
TEST_F(OwnDataTest, TheJobNamesItsFilesFromWhereItIs) {
  testing::write_cells(path("cells.h5ad"));
  fs::create_directory(path("my data"));
  fs::rename(path("a.npy"), path("my data/it's a.npy"));
  fs::create_directory(path("elsewhere"));
  fs::create_directory_symlink(path("elsewhere"), path("link"));
  const Words cells = {"--source", "cells.h5ad:X", "--source-groups", "cells.h5ad:obs/cell_type",
                       "--output"};
  const Words spaces = {"--source", "my data/it's a.npy", "--target", "b.npy", "--output"};
  for (const auto& words : {cells, spaces})
    for (const std::string output : {"out", "two words", "link"}) {
      Words all = words;
      all.push_back(output);
      expect_solved(all, "problem");
      const auto costs = column(output, "transport_cost");
      EXPECT_EQ(costs.size(), words == cells ? 3u : 1u);
      const auto result =
          testing::run_otfleet({"solve", output + "/job.toml", "--output", output}, folder_.path());
      EXPECT_EQ(result.code, 0) << result.err;
      EXPECT_EQ(column(output, "transport_cost"), costs);
      EXPECT_EQ(run({"make", output + "/job.toml", "--output", "made"}).code, 0);
      EXPECT_EQ(content_fingerprint_of(read_cloud_population(path("made/test.h5"))),
                content_fingerprint_of(read_cloud_population(path(output + "/population.h5"))));
    }
  const auto job = read_bytes(path("two words/job.toml"));
  EXPECT_NE(job.find("otfleet solve 'two words/job.toml' --output 'two words'"), std::string::npos)
      << job;
}

TEST_F(OwnDataTest, RunAgainItLeavesItsFilesAndAnotherRunReplacesThem) {
  const Words words = {"--source", "images.npy", "--quiet"};
  expect_solved(words);
  const auto job = read_bytes(path("images-out/job.toml"));
  const auto job_time = fs::last_write_time(path("images-out/job.toml"));
  const auto population_time = fs::last_write_time(path("images-out/population.h5"));
  expect_solved(words);
  EXPECT_EQ(fs::last_write_time(path("images-out/job.toml")), job_time);
  EXPECT_EQ(fs::last_write_time(path("images-out/population.h5")), population_time);
  expect_solved({"--source", "images.npy", "--pairs", "one_to_all"}, "4 problems");
  EXPECT_NE(read_bytes(path("images-out/job.toml")), job);
  EXPECT_EQ(column("images-out", "transport_cost").size(), 4u);
}

TEST_F(OwnDataTest, WhatAUserHasEditedStays) {
  const Words words = {"--source", "a.npy", "--target", "b.npy"};
  expect_solved(words);
  const auto job = read_bytes(path("a-out/job.toml"));
  const auto population = read_bytes(path("a-out/population.h5"));
  const auto edited = job + "\n[solver]\nthreshold = 1e-6\n";
  write_bytes(path("a-out/job.toml"), edited);
  expect_refused(words, "a-out/job.toml: was edited after otfleet wrote it",
                 "otfleet solve a-out/job.toml --output a-out", "--output");
  EXPECT_EQ(read_bytes(path("a-out/job.toml")), edited);
  EXPECT_EQ(run({"solve", "a-out/job.toml", "--output", "a-out"}).code, 0);
  EXPECT_LT(column("a-out", "marginal_error")[0], 1e-6);

  write_bytes(path("a-out/job.toml"), job);
  auto content = read_cloud_population(path("a-out/population.h5"));
  {
    const hid_t file = H5Fopen(path("a-out/population.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t points = H5Dopen2(file, "/measures/source_points", H5P_DEFAULT);
    content.sources.points[4] += 1;
    H5Dwrite(points, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
             content.sources.points.data());
    H5Dclose(points);
    H5Fclose(file);
  }
  const auto changed = read_bytes(path("a-out/population.h5"));
  EXPECT_NE(changed, population);
  expect_refused(words, "a-out/population.h5: was edited");
  EXPECT_EQ(read_bytes(path("a-out/population.h5")), changed);

  fs::create_directory(path("mine"));
  write_bytes(path("mine/job.toml"), "seed = 1\n");
  expect_refused({"--source", "a.npy", "--target", "b.npy", "--output", "mine"},
                 "mine/job.toml: is there already and is no job that");
  EXPECT_EQ(read_bytes(path("mine/job.toml")), "seed = 1\n");
  fs::remove(path("mine/job.toml"));
  write_npy(path("mine/population.h5"), {20, 3}, uniform(60, 0));
  expect_refused({"--source", "mine/population.h5", "--target", "b.npy", "--output", "mine"},
                 "mine/population.h5: would be replaced, but is an input of this run");
}

TEST_F(OwnDataTest, RanksAndSharesSolveTheSame) {
  write_npy(path("many.npy"), {9, 4, 6}, uniform(216, 3));
  expect_solved({"--source", "many.npy"}, "36 problems", "and 26 more; 'otfleet info --values");
  const auto costs = column("many-out", "transport_cost");
  const Words base = {"solve", "--source", "many.npy", "--quiet", "--output"};
  auto words = base;
  words.push_back("on-two");
  const auto result = run(words, 2);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(column("on-two", "transport_cost"), costs);
  // Shares begin together, where none of their files is there yet.
  words = base;
  words.push_back("shared");
  std::vector<std::unique_ptr<testing::StartedProgram>> shares;
  for (const char* share : {"0/3", "1/3", "2/3"}) {
    Words one = words;
    one.insert(one.begin(), OTFLEET_PROGRAM);
    one.insert(one.end(), {"--share", share});
    shares.push_back(std::make_unique<testing::StartedProgram>(one, folder_.path()));
  }
  for (auto& share : shares) {
    const auto ended = share->wait();
    EXPECT_EQ(ended.code, 0) << ended.err;
  }
  EXPECT_EQ(run(words).code, 0);
  EXPECT_EQ(column("shared", "transport_cost"), costs);
  const auto report = nlohmann::json::parse(read_bytes(path("shared/report.json")));
  EXPECT_EQ(report["solved_before"], 36);
}

TEST_F(OwnDataTest, AShareSaysWhatComesNext) {
  write_npy(path("rows.npy"), {3, 12}, uniform(36, 6));
  const auto result = run(
      {"solve", "--source", "rows.npy", "--kind", "weights", "--output", "part", "--share", "0/2"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("next: solve the other shares"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("edit part/job.toml"), std::string::npos) << result.out;
}

TEST_F(OwnDataTest, ShapesAndOptionsSayWhatArraysAre) {
  write_npy(path("line.npy"), {12}, uniform(12, 4));
  write_npy(path("other.npy"), {12}, uniform(12, 5));
  write_npy(path("rows.npy"), {3, 12}, uniform(36, 6));
  write_npy(path("columns.npy"), {2, 10}, uniform(20, 7));
  write_npy(path("cost.npy"), {12, 10}, uniform(120, 8));
  write_npy(path("places.npy"), {12, 2}, uniform(24, 9));
  const auto geometry = [&] {
    return distributed::Hdf5File::open(path("out/population.h5"))
        .string_attribute("/geometry", "kind")
        .value_or("");
  };
  const auto solved = [&](Words words, const std::string& said, const std::string& problems,
                          const std::string& kind) {
    words.insert(words.end(), {"--output", "out"});
    expect_solved(words, said, problems);
    EXPECT_EQ(geometry(), kind);
  };
  solved({"--source", "line.npy", "--target", "other.npy"},
         "line.npy [12]: 12 weights on a line from 0 to 1 (--kind images or points",
         "1 problem:", "grid");
  solved({"--source", "rows.npy", "--kind", "weights"}, "3 measures of 12 weights on a line",
         "3 problems: pairs all", "grid");
  solved({"--source", "rows.npy", "--target", "line.npy", "--kind", "weights"}, "12 weights",
         "3 problems: pairs all", "grid");
  solved(
      {"--source", "rows.npy", "--target", "columns.npy", "--cost", "cost.npy", "--pairs", "all"},
      "3 measures of 12 weights\n", "6 problems: pairs all, cost matrix", "dense");
  solved({"--source", "rows.npy", "--points", "places.npy", "--cost", "manhattan"},
         "3 measures of 12 weights\n", "3 problems: pairs all, cost manhattan", "points");
  solved({"--source", "rows.npy", "--target", "rows.npy", "--kind", "points"},
         "3 points of 12 coordinates, equal weights\n", "1 problem:", "clouds");
  solved({"--source", "line.npy", "--target", "other.npy", "--kind", "points"},
         "12 points of 1 coordinate,", "1 problem:", "clouds");
  solved({"--source", "images.npy", "--kind", "points"},
         "5 measures of 4 points of 6 coordinates, equal", "10 problems: pairs all", "clouds");
  solved({"--source", "rows.npy", "--target", "rows.npy", "--kind", "images"},
         "an image of 3 x 12 pixels", "1 problem: pairs one_to_one", "grid");
}

TEST_F(OwnDataTest, MistakesSayWhatToDo) {
  write_npy(path("rows.npy"), {3, 12}, uniform(36, 6));
  write_npy(path("more.npy"), {4, 12}, uniform(48, 6));
  write_npy(path("turned.npy"), {3, 25}, uniform(75, 6));
  write_npy(path("minus.npy"), {20}, std::vector<double>(20, -1.0));
  write_npy(path("cost.npy"), {12, 12}, uniform(144, 6));
  write_npy(path("many.npy"), {500, 1, 2}, std::vector<double>(1000, 1.0));
  write_npy(path("deep.npy"), {1, 1, 1, 1, 2}, {1, 1});
  auto hole = uniform(60, 0);
  hole[7] = NAN;
  write_npy(path("hole.npy"), {20, 3}, hole);
  testing::write_cells(path("cells.h5ad"));
  const auto refused = [&](Words words, const auto&... parts) {
    words.insert(words.end(), {"--output", "out"});
    expect_refused(words, parts...);
    EXPECT_FALSE(fs::exists(path("out"))) << words[1];
  };
  const std::string a = "a.npy", b = "b.npy";
  refused({}, "name a job file, or for a first look at your own data --source FILE",
          "otfleet init");
  refused({a}, "a.npy: is no job file", "otfleet solve --source a.npy --target FILE");
  refused({a, b}, "is no job file", "otfleet solve --source");
  refused({"job.toml", "--source", a}, "job.toml and --source: either is enough", "--set");
  refused({"--target", b}, "--target requires --source");
  refused({"--source", "a.npz", "--target", b}, "a.npz: no such file; did you mean 'a.npy'?");
  refused({"--source", "elsewhere/a.npy", "--target", b}, "there is no folder", "elsewhere");
  refused({"--source", a}, "a.npy: holds one measure", "--target FILE", "--kind");
  refused({"--source", a, "--target", "turned.npy"},
          "turned.npy: points of 25 coordinates, but the source's have 3", "transposed");
  refused({"--source", a, "--target", "images.npy"},
          "a.npy looks like points, but images.npy like images", "--kind");
  refused({"--source", "hole.npy", "--target", b}, "hole.npy: point 2 has the coordinate nan");
  refused({"--source", a, "--target", b, "--source-weights", "minus.npy"},
          "minus.npy: weights of measure 0 has a negative weight");
  refused({"--source", a, "--target", b, "--source-weights", "rows.npy"},
          "rows.npy: weights have shape [3, 12], but a.npy has 1 measure of 20 points",
          "[20] was expected");
  refused({"--source", a, "--target", b, "--cost", "euclidian"}, "--cost euclidian: neither a file",
          "did you mean 'euclidean'?");
  refused({"--source", "images.npy", "--cost", "euclidean"}, "lie on a grid", "--points FILE");
  for (const char* epsilon : {"0", "-1", "small", "nan"})
    refused({"--source", a, "--target", b, "--epsilon", epsilon},
            "--epsilon: '" + std::string(epsilon) + "' was given, a number above 0 was expected");
  refused({"--source", a, "--target", b, "--pairs", "some"}, "--pairs", "one_to_all");
  refused({"--source", "rows.npy", "--target", "more.npy", "--cost", "cost.npy"},
          "3 measures in rows.npy and 4 in more.npy: say --pairs all (12 problems)");
  refused({"--source", "rows.npy", "--target", a, "--cost", "cost.npy"},
          "a.npy: measures on 3 points, but cost.npy has 12 on the target side", "transposed?",
          "rows.npy [3, 12] was taken for 3 measures of 12 weights (a cost matrix makes it so)");
  refused({"--source", "many.npy"}, "500 measures make 124750 pairs", "--pairs all",
          "make.test_problems=1000");
  refused({"--source", "deep.npy"}, "deep.npy: shape [1, 1, 1, 1, 2]", "weights [n] or [M, n]");
  refused({"--source", "cells.h5ad"}, "needs a dataset's name, as in cells.h5ad:NAME", "/X",
          "/obsm/X_pca");
  refused({"--source", "cells.h5ad:obs"}, "'obs' is a group", "/obs/cell_type");
  refused({"--source", a, "--target", b, "--set", "solver.treshold=1"},
          "did you mean 'solver.threshold'?");
  refused({"--source", a, "--target", b, "--set", "problem=barycenter"},
          "--source is for transport between measures", "otfleet init");
  refused({"--source", a, "--target-weights", b}, "--target-weights", "--target FILE");
}

}  // namespace
}  // namespace otfleet
