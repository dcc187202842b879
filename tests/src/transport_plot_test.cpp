#include "src/families/neural_dual/transport_plot.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "src/families/neural_dual/samplers/gaussian_pair.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using testing::TemporaryFolder;
using Values = std::vector<double>;

/// A map between Gaussians, its samples and its grid.
struct Example {
  explicit Example(std::int64_t count) {
    const GaussianPair pair(2, 1);
    const auto samplers = pair.samplers(0);
    const auto size = static_cast<std::size_t>(2 * count);
    source.resize(size), target.resize(size), pushed.resize(size), pulled.resize(size);
    samplers.source->fill(0, count, source.data());
    samplers.target->fill(0, count, target.data());
    pair.map(count, source.data(), pushed.data());
    pair.inverse_map(count, target.data(), pulled.data());
    lines = grid_lines(source);
    pair.map(static_cast<std::int64_t>(lines.size()) / 2, lines.data(), lines.data());
  }
  TransportPlot plot() const { return {"a map", source, target, pushed, pulled, lines}; }

  Values source, target, pushed, pulled, lines;
};

std::set<std::string> files_of(const TemporaryFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.insert(entry.path().filename().string());
  return names;
}

bool has_gnuplot() {
  return std::system("gnuplot --version >/dev/null 2>&1") == 0;
}

const std::set<std::string> three = {"samples.png", "transported.png", "grid.png"};

TEST(TransportPlots, GridCoversTheSource) {
  const Values source = {-1, 2, 3, 2.5};
  const Values lines = grid_lines(source);
  ASSERT_EQ(lines.size(), std::size_t{2 * grid_lines_each_way * grid_line_points * 2});
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (std::size_t at = 0; at < lines.size(); ++at) {
    low[at % 2] = std::min(low[at % 2], lines[at]);
    high[at % 2] = std::max(high[at % 2], lines[at]);
  }
  EXPECT_LT(low[0], -1);
  EXPECT_GT(low[0], -1.5);
  EXPECT_GT(high[0], 3);
  EXPECT_LT(low[1], 2);
  EXPECT_GT(high[1], 2.5);
  // The first line runs along x, the first of the second half along y.
  EXPECT_EQ(lines[1], lines[2 * grid_line_points - 1]);
  const std::size_t half = lines.size() / 2;
  EXPECT_EQ(lines[half], lines[half + 2 * grid_line_points - 2]);
}

TEST(TransportPlots, ThreePictures) {
  if (!has_gnuplot()) GTEST_SKIP() << "no gnuplot";
  const TemporaryFolder folder;
  plot_transport(folder.path(), Example(2000).plot());
  EXPECT_EQ(files_of(folder), three);
  for (const auto& name : three)
    EXPECT_EQ(testing::read_bytes(folder / name).substr(1, 3), "PNG") << name;
}

TEST(TransportPlots, PointsMayBeMissingOrNotFinite) {
  if (!has_gnuplot()) GTEST_SKIP() << "no gnuplot";
  Example example(50);
  example.pushed.assign(100, NAN);
  example.lines.assign(example.lines.size(), INFINITY);
  example.pulled.clear();
  const TemporaryFolder folder;
  plot_transport(folder.path(), example.plot());
  EXPECT_EQ(files_of(folder), three);
  const TemporaryFolder without_grid;
  example.lines.clear();
  plot_transport(without_grid.path(), example.plot());
  EXPECT_EQ(files_of(without_grid), (std::set<std::string>{"samples.png", "transported.png"}));
}

TEST(TransportPlots, WithoutGnuplotNoPicture) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const TemporaryFolder folder;
  plot_transport(folder.path(), Example(20'000).plot());  // more than a pipe holds
  setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(files_of(folder).empty());
}

TEST(TransportPlots, ArraysThatDoNotFit) {
  const TemporaryFolder folder;
  const Values three_numbers(3), four(4);
  EXPECT_THROW(plot_transport(folder.path(), {"", three_numbers, {}, {}, {}, {}}),
               std::invalid_argument);
  EXPECT_THROW(plot_transport(folder.path(), {"", four, four, four, four, four}),
               std::invalid_argument);
}

}  // namespace
}  // namespace otfleet
