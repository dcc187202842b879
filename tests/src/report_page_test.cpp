// Pieces of the page that `otfleet report` writes.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "distributed/hdf5_file.hpp"
#include "src/reports/page/html.hpp"
#include "src/reports/page/solution_summary.hpp"
#include "src/reports/page/svg.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet::page {
namespace {

TEST(Html, EscapesMarkupAndWhatIsNoText) {
  EXPECT_EQ(escaped("<a href='x'>\"&amp;\"</a>"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;amp;&quot;&lt;/a&gt;");
  EXPECT_EQ(escaped("ε = 1\n\t\u20ac \U0001F600"), "ε = 1\n\t\u20ac \U0001F600");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(escaped("a\xff\x01z"), "a" + bad + bad + "z");
  EXPECT_EQ(escaped("\xc3"), bad);                // cut off
  EXPECT_EQ(escaped("\xc0\xbc"), bad + bad);      // "<", too long
  EXPECT_EQ(escaped("\xed\xa0\x80").size(), 9u);  // half of a pair
  EXPECT_EQ(escaped("\xc2\x85"), bad);            // a control character
  EXPECT_EQ(escaped(std::string_view("\0", 1)), bad);
}

TEST(Html, NumbersHaveSensibleDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped(-123), "-123");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(0.0123456), "0.01235");
  EXPECT_EQ(short_number(-0.000123456), "-1.235e-4");
  EXPECT_EQ(short_number(12345.6), "12,346");
  EXPECT_EQ(short_number(1.5e12), "1.500e12");
  EXPECT_EQ(short_number(NAN), "NaN");
  EXPECT_EQ(round_number(1e-6), "1e-6");
  EXPECT_EQ(round_number(0.01), "0.01");
  EXPECT_EQ(duration(0.00012), "0.1 ms");
  EXPECT_EQ(duration(0.25), "250 ms");
  EXPECT_EQ(duration(59.9), "59.9 s");
  EXPECT_EQ(duration(59.99), "1 min 0 s");
  EXPECT_EQ(duration(7384), "2 h 3 min");
}

TEST(Html, DataUrlsAreBase64) {
  for (const auto& [bytes, text] :
       {std::pair{"", ""}, {"M", "TQ=="}, {"Ma", "TWE="}, {"Man", "TWFu"}, {"Many", "TWFueQ=="}})
    EXPECT_EQ(data_url("image/png", bytes), std::string("data:image/png;base64,") + text);
  EXPECT_EQ(data_url("x", std::string("\xff\xfe\xfd")), "data:x;base64,//79");
}

TEST(Svg, LeavesOutWhatCannotBeDrawn) {
  const PlotAxes axes{"a < b", "x", "y", false, true};
  EXPECT_EQ(curves_svg(axes, {}), "");
  EXPECT_EQ(curves_svg(axes, {{"one", {0, 1, 2}, {NAN, 0, 5}}}), "");
  const auto svg = curves_svg(axes, {{"one", {0, 1, 2, 3}, {1, 0.1, 0, INFINITY}}});
  EXPECT_NE(svg.find("aria-label=\"a &lt; b\""), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
  const auto bars = histogram_svg({"h", "x", "y"}, {0, 1, 2}, {3, 0}, 0.5, "<mark>");
  EXPECT_EQ(bars.find("nan"), std::string::npos);
  EXPECT_NE(bars.find("&lt;mark&gt;"), std::string::npos);
}

/// A solution of many problems, more than are read at once, with known worst rows.
class ManyRows : public ::testing::Test {
 protected:
  static constexpr std::int64_t rows = 150'000;

  void write(const std::vector<double>& error, const std::vector<double>& lower,
             const std::vector<std::int32_t>& status) const {
    auto file = distributed::Hdf5File::create(path_);
    file.write<double>("/solution/marginal_error", {rows}, error);
    file.write<double>("/solution/transport_cost", {rows}, std::vector<double>(rows, 2));
    file.write<double>("/solution/upper_bound", {rows}, std::vector<double>(rows, 4));
    file.write<double>("/solution/lower_bound", {rows}, lower);
    file.write<std::int32_t>("/solution/status", {rows}, status);
    std::vector<std::int32_t> target(rows);
    std::iota(target.begin(), target.end(), 7);
    file.write<std::int32_t>("/problems/source", {rows}, std::vector<std::int32_t>(rows, 3));
    file.write<std::int32_t>("/problems/target", {rows}, target);
    file.set_attribute("/solution", "threshold", 1e-3);
    file.set_attribute("/solution", "status_1", std::string("iteration limit"));
    file.close();
  }
  SolutionSummary summary() const { return summarize(distributed::Hdf5File::open(path_)); }

  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "solution.h5";
};

TEST_F(ManyRows, AreCountedAndTheWorstAreKept) {
  std::vector<double> error(rows, 1e-4), lower(rows, 3);
  std::vector<std::int32_t> status(rows, 0);
  const std::vector<std::int64_t> bad = {149'999, 65'536, 65'535, 0};
  for (std::size_t k = 0; k < bad.size(); ++k) error[bad[k]] = 1e-2 / static_cast<double>(k + 1);
  status[65'536] = status[131'072] = 1;
  error[100'000] = NAN;
  lower[77'777] = 1;
  write(error, lower, status);
  const auto found = summary();
  EXPECT_EQ(found.problems, rows);
  EXPECT_EQ(found.failed, 2);
  EXPECT_EQ(found.statuses.at("converged"), rows - 2);
  EXPECT_EQ(found.statuses.at("iteration limit"), 2);
  EXPECT_EQ(found.threshold, 1e-3);
  ASSERT_EQ(found.largest_errors.size(), SolutionSummary::most_rows);
  EXPECT_EQ(found.largest_errors[0].problem, 100'000);  // not finite
  for (std::size_t k = 0; k < bad.size(); ++k)
    EXPECT_EQ(found.largest_errors[k + 1].problem, bad[k]) << k;
  const auto& gap = found.largest_gaps[0];
  EXPECT_EQ(gap.problem, 77'777);
  EXPECT_EQ(gap.source, 3);
  EXPECT_EQ(gap.target, 77'784);
  EXPECT_EQ(gap.gap, 0.75);
  EXPECT_EQ(gap.cost, 2);
  EXPECT_FALSE(gap.iterations.has_value());
  ASSERT_EQ(found.not_converged.size(), 2u);
  EXPECT_EQ(found.not_converged[0].problem, 65'536);
  EXPECT_EQ(found.not_converged[0].status, "iteration limit");
  const auto sum = [](const Histogram& histogram) {
    return std::accumulate(histogram.counts.begin(), histogram.counts.end(), 0.0);
  };
  EXPECT_EQ(sum(found.costs), rows);
  EXPECT_EQ(sum(found.errors), rows - 1);
  EXPECT_EQ(sum(found.gaps), rows);
  EXPECT_EQ(found.errors.edges.size(), found.errors.counts.size() + 1);
}

TEST_F(ManyRows, WithoutFiguresAreASummaryAllTheSame) {
  auto file = distributed::Hdf5File::create(path_);
  file.write<std::int32_t>("/solution/status", {0}, std::vector<std::int32_t>{});
  file.close();
  const auto found = summary();
  EXPECT_EQ(found.problems, 0);
  EXPECT_TRUE(found.costs.empty());
  EXPECT_TRUE(found.largest_errors.empty());
}

}  // namespace
}  // namespace otfleet::page
