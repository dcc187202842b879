#pragma once
#include "tests/cli/pipeline.hpp"

namespace otfleet::testing {

using Values = std::vector<double>;

/// Points with their first coordinate in [low, low + 0.25] and the others in [-1, 1].
inline Values strip(std::size_t count, double low, std::uint64_t seed, std::size_t dimension = 2) {
  const kernels::CounterRandom random(seed, 0);
  Values points;
  for (std::size_t k = 0; k < count * dimension; ++k)
    points.push_back(k % dimension == 0 ? low + 0.25 * random.uniform(k)
                                        : 2 * random.uniform(k) - 1);
  return points;
}

/// The first rows of points in the plane.
inline Values first_of(const Values& points, std::size_t count) {
  return Values(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(2 * count));
}

inline double half_square(const double* x, const double* y, std::size_t dimension) {
  double sum = 0;
  for (std::size_t i = 0; i < dimension; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return sum / 2;
}

/// A folder with points and a job of paths around a box, and their solution on one rank in one/.
class LeastAction : public PipelineTest {
 protected:
  static constexpr std::size_t pairs = 200;

  static void SetUpTestSuite() {
    if (folder_) return;
    folder_ = std::make_unique<TemporaryFolder>();
    from_ = strip(pairs, -1.25, 1);
    to_ = strip(pairs, 1, 2);
    write_points("from.npy", from_);
    write_points("to.npy", to_);
    write_bytes(path("box.toml"),
                "problem = \"least_action\"\n"
                "[lagrangian]\nname = \"box\"\n"
                "[path]\nfrom = { file = \"from.npy\" }\nto = { file = \"to.npy\" }\n");
    write_bytes(path("straight.toml"), "problem = \"least_action\"\n");
    write_wall();
    const auto solved = run(solve("one"));
    ASSERT_EQ(solved.code, 0) << solved.err;
    EXPECT_NE(solved.out.find("200 paths, 200 converged"), std::string::npos) << solved.out;
  }

  static void write_points(const std::string& name, const Values& points,
                           std::size_t dimension = 2) {
    write_matrix(name, points, points.size() / dimension, dimension);
  }
  static void write_matrix(const std::string& name, const Values& values, std::size_t rows,
                           std::size_t columns) {
    const auto shape = "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
    write_bytes(path(name), npy(npy_header("<f8", shape), bytes_of(values)));
  }

  /// A grid of 41 x 41 numbers over [-2, 2]², the first row at the top: 1 in a wall from the
  /// bottom up to y = 1, 0 elsewhere. wall.toml goes from one side of it to the other.
  static void write_wall() {
    Values wall;
    for (int i = 0; i <= 40; ++i)
      for (int j = 0; j <= 40; ++j) wall.push_back(std::abs(j - 20) <= 1 && i >= 10 ? 1 : 0);
    write_matrix("wall.npy", wall, 41, 41);
    write_points("left.npy", {-1, 0, -0.5, 0.5, -0.8, -0.5});
    write_points("right.npy", {1, 0, 0.7, 0.4, 0.8, -0.5});
    write_bytes(path("wall.toml"),
                "problem = \"least_action\"\n"
                "[lagrangian]\nname = \"grid\"\nstrength = 1000\n"
                "grid = { file = \"wall.npy\" }\nbox = [-2, 2, 2, -2]\n"
                "[path]\nfrom = { file = \"left.npy\" }\nto = { file = \"right.npy\" }\n"
                "points = 80\nstarts = 5\n");
  }

  static Words with(Words words, const Words& overrides) {
    for (const auto& one : overrides) words.insert(words.end(), {"--set", one});
    return words;
  }
  static Words solve(const std::string& output, const Words& overrides = {},
                     const std::string& job = "box.toml") {
    return with({"solve", job, "--output", output}, overrides);
  }
  static void expect_solved(const Words& words, int ranks = 1) {
    const auto result = run(words, ranks);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  template <class... Parts>
  static void refuse(const Words& overrides, const Parts&... parts) {
    expect_refused(solve("refused", overrides), parts...);
  }

  static std::vector<std::int64_t> shape_of(const std::string& output, const std::string& name) {
    return distributed::Hdf5File::open(path(output) / "solution.h5")
        .info("/solution/" + name)
        .shape;
  }
  /// What holds of the columns, whatever the Lagrangian.
  static void expect_certified(const std::string& output) {
    const auto action = column(output, "action"), straight = column(output, "straight_action"),
               bound = column(output, "lower_bound");
    for (std::size_t k = 0; k < action.size(); ++k) {
      EXPECT_LE(action[k], straight[k] * (1 + 1e-12)) << output << " path " << k;
      EXPECT_GE(action[k], bound[k] * (1 - 1e-12)) << output << " path " << k;
    }
  }

  static inline Values from_, to_;  ///< [pairs, 2]
};

/// The same with points of a cost matrix between 9 points and 8, and a job that makes it.
class LeastActionCosts : public LeastAction {
 protected:
  static Words make(const std::string& output, const Words& overrides = {},
                    const std::string& job = "costs.toml") {
    return with({"make", job, "--output", output}, overrides);
  }
  static void SetUpTestSuite() {
    LeastAction::SetUpTestSuite();
    if (std::filesystem::exists(path("costs.toml"))) return;
    write_points("sources.npy", first_of(from_, 9));
    write_points("targets.npy", first_of(to_, 8));
    Values shares;
    for (int k = 0; k < 54; ++k) shares.push_back(1 + k % 5);
    write_matrix("shares.npy", shares, 6, 9);
    write_matrix("target_shares.npy", {shares.begin(), shares.begin() + 48}, 6, 8);
    write_bytes(path("costs.toml"),
                "[data]\npoints = { file = \"sources.npy\" }\n"
                "target_points = { file = \"targets.npy\" }\n"
                "test = { file = \"shares.npy\" }\ntest_target = { file = \"target_shares.npy\" }\n"
                "[problem]\ngeometry = \"dense\"\ncost = \"least_action\"\nepsilon = 0.1\n"
                "[lagrangian]\nname = \"box\"\n"
                "[make]\ntest_problems = 10\n"
                "[solver]\ninitializer = \"zeros\"\n");
  }
  static Values cost_of(const std::string& output) {
    return distributed::Hdf5File::open(path(output) / "test.h5").read<double>("/geometry/cost");
  }
};

}  // namespace otfleet::testing
