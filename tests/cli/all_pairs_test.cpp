// All pairs of one set of measures: the matrix, its picture, and what labels say of it.
#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::Words;
using testing::write_bytes;

class AllPairs : public testing::PipelineTest {
 protected:
  static void make(const Words& more = {}) {
    write_bytes(
        path("pairs.toml"),
        "[data]\ntest.file = \"test.npy\"\ntest.first = 9\ntest.labels.file = \"labels.csv\"\n"
        "[problem]\nepsilon = 0.02\n[make]\npairs = \"all\"\n"
        "[solution]\nmatrix = true\n");
    std::string labels;
    for (int k = 0; k < 20; ++k) labels += std::to_string(k % 2) + "\n";
    write_bytes(path("labels.csv"), labels);
    Words words = {"make", "pairs.toml"};
    for (const auto& word : more) words.insert(words.end(), {"--set", word});
    const auto made = run(words);
    ASSERT_EQ(made.code, 0) << made.err;
  }
};

TEST_F(AllPairs, OneAndTwoRanksWriteTheMatrixAndSayWhatNeighborsAre) {
  make();
  for (const int ranks : {1, 2}) {
    const auto output = "pairs" + std::to_string(ranks);
    const auto result = run({"solve", "pairs.toml", "--output", output,
                             "--set=files.test_population=pairs-out/make/test.h5"},
                            ranks);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.out, "36 problems, 36 converged"), 1u) << result.out;
    EXPECT_EQ(count_of(result.out, "same label for"), 1u) << result.out;
    EXPECT_EQ(count_of(result.out, " of 9 measures"), 1u) << result.out;
    const auto costs = column(output, "transport_cost");
    const auto matrix = distributed::Hdf5File::open(path(output) / "solution_matrix.h5")
                            .read<double>("/matrix/transport_cost");
    ASSERT_EQ(matrix.size(), 81u);
    EXPECT_EQ(matrix[1], costs[0]);  // 0 with 1
    EXPECT_EQ(matrix[9], costs[0]);
    EXPECT_EQ(matrix[80], 0);
    EXPECT_TRUE(std::filesystem::exists(path(output) / "solution_matrix.npy"));
    EXPECT_TRUE(std::filesystem::exists(path(output) / "solution.png"));
    const auto report = read_report(output);
    EXPECT_GE(report["nearest_neighbor"]["transport"], 0.0);
    EXPECT_LE(report["nearest_neighbor"]["transport"], 1.0);
    EXPECT_EQ(report["picture_shows"].get<std::string>().find("Every measure at its place"), 0u);
  }
}

TEST_F(AllPairs, OtherPairsHaveNoMatrix) {
  const auto result =
      run(words("solve", "no-matrix", {"solution.matrix=true", "solver.initializer=zeros"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(count_of(result.err, "not all pairs of one set of measures"), 1u) << result.err;
  EXPECT_FALSE(std::filesystem::exists(path("no-matrix") / "solution_matrix.h5"));
}

TEST_F(AllPairs, LabelsAndMeasuresThatDoNotFit) {
  make();
  const auto refused = [&](const Words& overrides, const std::string& part) {
    Words words = {"make", "pairs.toml", "--output", "refused"};
    for (const auto& word : overrides) words.insert(words.end(), {"--set", word});
    expect_refused(words, part);
  };
  refused({"data.test.first=21"}, "has 20 measures, not the first 21");
  write_bytes(path("few.csv"), "1\n2\n");
  refused({"data.test.labels.file=few.csv"}, "few.csv: has shape");
  write_bytes(path("half.csv"), "1\n2\n0.5\n1\n1\n1\n1\n1\n1\n");
  refused({"data.test.labels.file=half.csv"}, "not an integer");
  refused({"data.test_target.file=test.npy", "data.test.first=0"}, "paired with each other");
}

}  // namespace
}  // namespace otfleet
