#include "src/reports/gnuplot.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "src/reports/plots.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

/// What is logged while `work` runs.
template <class Work>
std::string log_of(const Work& work) {
  std::ostringstream text;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
  work();
  spdlog::set_default_logger(before);
  return text.str();
}

class Gnuplot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("gnuplot --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "it's here"))
      count += entry.is_regular_file();
    return count;
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path pictures_ = [this] {
    std::filesystem::create_directory(folder_ / "it's here");
    return folder_ / "it's here";
  }();
};

TEST_F(Gnuplot, DrawsAnyNumberOfCurves) {
  for (const int count : {1, 6, 7, 23}) {
    std::vector<Curve> curves;
    for (int k = 0; k < count; ++k)
      curves.push_back({"start " + std::to_string(k), {0, 1, 2}, {1.0 + k, 0.5, 0.1}});
    EXPECT_EQ(log_of([&] { plot_error_curves(pictures_, curves, "curves"); }), "") << count;
    EXPECT_EQ(files(), 1u);
    EXPECT_GT(std::filesystem::file_size(pictures_ / "error_curves.png"), 5000u);
    std::filesystem::remove(pictures_ / "error_curves.png");
    ScalingPlot plot;
    plot.ideal = {"ideal", {1, 2}, {1, 2}};
    for (const auto& curve : curves) {
      plot.measured.push_back(curve);
      plot.predicted.push_back(curve);
      plot.shares.push_back({curve.name, {1, 2, 4}, {0.04, 0.04, 0.04}});
    }
    EXPECT_EQ(log_of([&] { plot_scaling(pictures_ / "scaling.png", "scale", plot); }), "");
    EXPECT_EQ(files(), 1u);
    std::filesystem::remove(pictures_ / "scaling.png");
  }
}

TEST_F(Gnuplot, ItsOwnWordsAreInTheWarning) {
  const auto log = log_of([&] { draw_picture(pictures_ / "bad.png", "plot no_such_thing\n"); });
  EXPECT_NE(log.find("bad.png: gnuplot is missing or failed: "), std::string::npos) << log;
  EXPECT_NE(log.find("undefined variable: no_such_thing"), std::string::npos) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
  EXPECT_EQ(files(), 0u);
}

TEST(GnuplotMissing, IsSaidByName) {
  const testing::TemporaryFolder folder;
  const std::string before = std::getenv("PATH");
  setenv("PATH", folder.path().c_str(), 1);
  const auto log = log_of([&] { draw_picture(folder / "picture.png", "plot x\n"); });
  setenv("PATH", before.c_str(), 1);
  EXPECT_NE(log.find("picture.png: gnuplot is missing or failed: "), std::string::npos) << log;
  EXPECT_NE(log.find("not found"), std::string::npos) << log;
}

}  // namespace
}  // namespace otfleet
