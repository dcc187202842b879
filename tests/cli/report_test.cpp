// `otfleet report`, and the picture that every command ends with.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include "tests/cli/own_data.hpp"
#include "tests/cli/pipeline.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::ProgramResult;
using testing::read_bytes;
using testing::Words;
using testing::write_bytes;

/// Whether every element that begins also ends, in order.
std::string nesting_fault(const std::string& html) {
  const Words empty_elements = {"meta", "img"};
  Words open;
  for (auto at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const auto end = html.find('>', at);
    if (end == std::string::npos) return "a tag without an end";
    const auto tag = html.substr(at + 1, end - at - 1);
    if (tag[0] == '!' || tag.back() == '/') continue;
    const auto name = tag.substr(0, tag.find_first_of(" \n"));
    if (std::find(empty_elements.begin(), empty_elements.end(), name) != empty_elements.end())
      continue;
    if (name[0] != '/') {
      open.push_back(name);
      continue;
    }
    if (open.empty() || open.back() != name.substr(1))
      return "<" + name + "> in <" + (open.empty() ? "" : open.back()) + ">";
    open.pop_back();
  }
  return open.empty() ? "" : "<" + open.back() + "> has no end";
}

/// The first cells of the rows of a table, and nothing where there is no such table.
std::vector<std::int64_t> first_cells(const std::string& html, const std::string& caption) {
  std::vector<std::int64_t> cells;
  const auto begin = html.find("<p class=\"caption\">" + caption);
  if (begin == std::string::npos) return cells;
  const auto end = html.find("</table>", begin);
  const std::string row = "<tr><td class=\"number\">";
  for (auto at = html.find(row, begin); at < end; at = html.find(row, at + 1)) {
    auto text = html.substr(at + row.size(), html.find('<', at + row.size()) - at - row.size());
    std::erase(text, ',');
    cells.push_back(std::stoll(text));
  }
  return cells;
}

class ReportTest : public testing::PipelineTest {
 protected:
  static void solve(const std::string& output, const Words& overrides = {}) {
    const auto result = run(words("solve", output, overrides));
    ASSERT_EQ(result.code, 0) << result.err;
  }
  /// The page of a folder, which has to be made without a word but where it is.
  static std::string page(const std::string& folder) {
    const auto result = run({"report", folder});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.out, "report: " + folder + "/report.html\n");
    const auto html = read_bytes(path(folder) / "report.html");
    EXPECT_EQ(nesting_fault(html), "");
    return html;
  }
  static void expect_in(const std::string& html, const Words& parts) {
    for (const auto& part : parts)
      EXPECT_NE(html.find(part), std::string::npos) << "no '" << part << "'";
  }
  static std::string last_line(const std::string& text) {
    const auto begin = text.rfind('\n', text.size() - 2);
    return text.substr(begin == std::string::npos ? 0 : begin + 1);
  }
};

TEST_F(ReportTest, HasEverySectionAndNeedsNoOtherFile) {
  solve("job-out/solve");
  const auto evaluated = run(words("evaluate", "job-out/evaluate"));
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  const auto html = page("job-out");
  std::size_t before = 0;
  for (const char* title : {"<h1>job-out", "What was run", "<h2>Pictures", "<h2>Results",
                            "<h2>Time", "<h2>Worst rows", "<h2>Settings", "<h2>Versions"}) {
    const auto at = html.find(title);
    ASSERT_NE(at, std::string::npos) << title;
    EXPECT_GT(at, before) << title << " is not in its place";
    before = at;
  }
  expect_in(html, {"All 30 problems converged.", "The model ", "Starts compared", "<svg ",
                   "How problems ended", "Largest marginal error", "problem.epsilon",
                   "<summary>Settings at their default", "revision", "kokkos", "<h3>train",
                   "prefers-color-scheme: dark", "name=\"viewport\""});
  EXPECT_EQ(html.rfind("<!DOCTYPE html>", 0), 0u);
  for (const char* outside : {"http:", "https:", "<script", "<link", "<iframe", "url(", "@import"})
    EXPECT_EQ(count_of(html, outside), 0u) << outside;
  EXPECT_EQ(count_of(html, "src="), count_of(html, "src=\"data:image/png;base64,"));
  EXPECT_EQ(count_of(html, "href="), 0u);
  // The interpolated pairs of solve and evaluate; curves are drawn from numbers.
  EXPECT_EQ(count_of(html, "src=\"data:"), 2u);
  EXPECT_EQ(count_of(html, "<polyline "), 5u);  // loss, first error; zeros, gaussian, model
}

TEST_F(ReportTest, ShowsTheWorstRows) {
  const Words few = {"solver.initializer=zeros", "solver.method=sinkhorn",
                     "solver.max_iterations=3", "solver.threshold=1e-3"};
  solve("limited", few);
  const auto html = page("limited");
  const auto error = column("limited", "marginal_error"), upper = column("limited", "upper_bound"),
             lower = column("limited", "lower_bound");
  const auto status = column<std::int32_t>("limited", "status");
  const auto worst = [&](const auto& value_of, bool failed) {
    std::vector<std::int64_t> rows(problems);
    std::iota(rows.begin(), rows.end(), 0);
    if (failed) std::erase_if(rows, [&](std::int64_t k) { return status[k] == 0; });
    std::stable_sort(rows.begin(), rows.end(),
                     [&](auto a, auto b) { return value_of(a) > value_of(b); });
    rows.resize(std::min<std::size_t>(rows.size(), 8));
    return rows;
  };
  const auto error_of = [&](std::int64_t k) { return error[k]; };
  const auto gap_of = [&](std::int64_t k) { return (upper[k] - lower[k]) / upper[k]; };
  const auto failed = std::count_if(status.begin(), status.end(), [](int s) { return s != 0; });
  ASSERT_GT(failed, 0);
  EXPECT_EQ(first_cells(html, "Did not converge"), worst(error_of, true));
  EXPECT_EQ(first_cells(html, "Largest marginal error"), worst(error_of, false));
  EXPECT_EQ(first_cells(html, "Largest gaps"), worst(gap_of, false));
  expect_in(html, {std::to_string(failed) + " of 30 problems did not converge", "iteration limit",
                   "verdict bad", "<td class=\"short\">solver.max_iterations</td>"});
}

TEST_F(ReportTest, EscapesWhatComesFromFiles) {
  const std::string name = "<script>alert('1 & \"2\"')";
  solve(name, {"solver.initializer=zeros"});
  auto report = read_report(name);
  report["method"]["chosen"] = "<b onclick=\"x\">bold</b>\x01";
  report["configuration"]["solver"]["method"] = "</style><script>";
  report["versions"]["<i>"] = "@CONTENT@";
  write_bytes(path(name) / "report.json", report.dump(2) + "\n");
  const auto html = page(name);
  EXPECT_EQ(count_of(html, "<script"), 0u);
  EXPECT_EQ(count_of(html, "<b onclick"), 0u);
  EXPECT_EQ(count_of(html, "</style>"), 1u);
  EXPECT_EQ(count_of(html, "\x01"), 0u);
  EXPECT_EQ(count_of(html, "@CONTENT@"), 1u);
  expect_in(html, {"&lt;script&gt;alert(&#39;1 &amp; &quot;2&quot;&#39;)", "&lt;b onclick"});
}

TEST_F(ReportTest, ReplacesItsOwnPageAndNoOtherFile) {
  solve("kept", {"solver.initializer=zeros"});
  const auto first = page("kept");
  EXPECT_EQ(page("kept"), first);
  write_bytes(path("kept") / "report.html", "<!DOCTYPE html>\n<p>mine</p>\n");
  write_bytes(path("notes.html"), "mine");
  for (const Words& more : {Words{}, Words{"--output", "notes.html"}}) {
    Words command = {"report", "kept"};
    command.insert(command.end(), more.begin(), more.end());
    const auto refused = run(command);
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(refused.out, "");
    EXPECT_NE(refused.err.find("is no page that this version of otfleet made"), std::string::npos)
        << refused.err;
  }
  EXPECT_EQ(read_bytes(path("kept") / "report.html"), "<!DOCTYPE html>\n<p>mine</p>\n");
  EXPECT_EQ(read_bytes(path("notes.html")), "mine");
  const auto elsewhere = run({"report", "kept", "--output", "kept/other.html"});
  EXPECT_EQ(elsewhere.out, "report: kept/other.html\n");
  EXPECT_TRUE(std::filesystem::exists(path("kept/other.html")));
  // What solve made is no page either, whatever it is called.
  EXPECT_EQ(run({"report", "kept", "--output", "kept/solution.h5"}).code, 2);
  EXPECT_EQ(column<std::int32_t>("kept", "status").size(), std::size_t{problems});
}

TEST_F(ReportTest, SaysWhatIsMissingAndGoesOn) {
  for (const char* part :
       {"torn/good", "torn/no-report", "torn/bad-report", "torn/bad-solution", "torn/no-solution"})
    solve(part, {"solver.initializer=zeros"});
  std::filesystem::remove(path("torn/no-report/report.json"));
  const auto text = read_bytes(path("torn/bad-report/report.json"));
  write_bytes(path("torn/bad-report/report.json"), text.substr(0, text.size() / 2));
  const auto bytes = read_bytes(path("torn/bad-solution/solution.h5"));
  write_bytes(path("torn/bad-solution/solution.h5"), bytes.substr(0, bytes.size() / 3));
  std::filesystem::remove(path("torn/no-solution/solution.h5"));
  std::filesystem::create_directories(path("torn/going/solution.parts"));
  write_bytes(path("torn/going/solution.parts/rows-000000000000-000000000008-x.h5"), "");
  std::filesystem::create_directories(path("torn/training"));
  write_bytes(path("torn/training/training-000000100.h5"), "");
  write_bytes(path("torn/good/solution.png"), "no picture");
  const auto html = page("torn");
  expect_in(html, {"no-report: ", "report.json is missing", "report.json is damaged or cut off",
                   "solution.h5 cannot be read", "solution.h5 is missing",
                   "solve is not finished; run the same command again to go on",
                   "train is not finished; run the same command again to go on", "verdict bad",
                   "<h3>good</h3>", "all 30 problems converged"});
}

TEST_F(ReportTest, OfAFolderWithoutReportsIsRefused) {
  std::filesystem::create_directories(path("begun/solve/solution.parts"));
  write_bytes(path("begun/solve/solution.parts/rows-000000000000-000000000008-x.h5"), "");
  std::filesystem::create_directories(path("shares"));
  write_bytes(path("shares/report-share-0-of-3.json"), "{}");
  std::filesystem::create_directories(path("empty"));
  std::filesystem::create_directories(path("locked"));
  write_bytes(path("locked/.otfleet-lock"), "");
  const auto refused = [&](const std::string& folder, const std::string& why) {
    const auto result = run({"report", folder});
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(count_of(result.err, "\n"), 1u) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(path(folder) / "report.html"));
  };
  refused("empty", "has a report.json; name the output folder of make, train, solve");
  refused("begun", "begun: no report.json yet; solve: solve is not finished; run the same");
  refused("begun/solve", "no report.json yet; solve is not finished; run the same command again");
  refused("locked", "a command has begun and saved nothing yet; wait for its end");
  refused("shares", "1 of 3 shares are solved; 'otfleet solve' without --share puts them together");
  refused("nowhere", "nowhere: is no folder; name the output folder of a command");
  refused("job.toml", "job.toml: is no folder");
}

/// Takes gnuplot away from what is started while it lives.
class WithoutGnuplot {
 public:
  explicit WithoutGnuplot(const std::filesystem::path& empty_folder) {
    setenv("PATH", empty_folder.c_str(), 1);
  }
  ~WithoutGnuplot() { setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_ = std::getenv("PATH");
};

TEST_F(ReportTest, NeedsNoGnuplot) {
  const Words costs_alone = {"solver.initializer=zeros", "solution.potentials=false"};
  solve("no-gnuplot", costs_alone);  // leaves a picture where there is gnuplot
  std::filesystem::create_directories(path("nothing"));
  {
    const WithoutGnuplot missing(path("nothing"));
    const auto result = run(words("solve", "no-gnuplot", costs_alone));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_NE(result.err.find("no no-gnuplot/solution.png: gnuplot is missing"), std::string::npos)
        << result.err;
    EXPECT_EQ(count_of(result.out, "picture: "), 0u);
  }
  EXPECT_FALSE(std::filesystem::exists(path("no-gnuplot/solution.png")));
  EXPECT_FALSE(read_report("no-gnuplot").contains("picture"));
  const auto html = page("no-gnuplot");
  EXPECT_EQ(count_of(html, "<img "), 0u);
  EXPECT_EQ(count_of(html, "<svg "), 3u);  // cost, error, gap
}

TEST_F(ReportTest, SolveEndsWithThePictureOfWhatItSolved) {
  const auto zeros = Words{"solver.initializer=zeros"};
  const auto result = run(words("solve", "drawn", zeros), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(last_line(result.out), "picture: drawn/solution.png\n");
  EXPECT_EQ(count_of(result.out, "picture: "), 1u);
  EXPECT_NE(result.out.find("\ndrawn: displacement interpolation"), std::string::npos)
      << result.out;
  const auto report = read_report("drawn");
  EXPECT_EQ(report["picture"], "drawn/solution.png");
  EXPECT_NE(report["picture_shows"].get<std::string>().find("interpolation"), std::string::npos);
  // Four pairs of 12 x 12 points, nine frames each: 9 (84 + 6) + 6 pixels by 4 (84 + 6) + 6.
  const auto bytes = read_bytes(path("drawn/solution.png"));
  ASSERT_GT(bytes.size(), 24u);
  const auto extent = [&](std::size_t at) {
    return static_cast<unsigned char>(bytes[at]) * 256 + static_cast<unsigned char>(bytes[at + 1]);
  };
  EXPECT_EQ(extent(18), 816);
  EXPECT_EQ(extent(22), 366);
  // Not asked for: none, and none of another solution.
  report_of("solve", "drawn", {"solver.initializer=zeros", "solution.picture=false"});
  EXPECT_FALSE(std::filesystem::exists(path("drawn/solution.png")));
  // A file of somebody else's stays, and is refused before anything is solved.
  write_bytes(path("drawn/solution.png"), "mine");
  EXPECT_EQ(run(words("solve", "drawn", zeros)).code, 2);
  EXPECT_EQ(read_bytes(path("drawn/solution.png")), "mine");
  EXPECT_EQ(
      run(words("solve", "drawn", {"solver.initializer=zeros", "solution.picture=false"})).code, 0);
  EXPECT_EQ(read_bytes(path("drawn/solution.png")), "mine");
}

TEST_F(ReportTest, PointsAreDrawnWhereTheyGo) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  for (const int dimension : {2, 3, 4}) {
    for (const auto& [name, seed] : {std::pair{"x.csv", 0}, {"y.csv", 1}})
      testing::write_csv(path(name), dimension, testing::uniform(20 * dimension, seed));
    const auto output = "points-" + std::to_string(dimension);
    const auto result =
        run({"solve", "--source", "x.csv", "--target", "y.csv", "--output", output});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.out, "picture: " + output + "/solution.png\n"), 1u) << result.out;
    const auto shows = read_report(output)["picture_shows"].get<std::string>();
    EXPECT_EQ(shows.find("points") != std::string::npos, dimension < 4) << shows;
    const auto html = page(output);
    EXPECT_EQ(count_of(html, "<img "), 1u);
    expect_in(html, {"The problem converged.", "on</th>", "1 problem, ε = "});
  }
}

/// What the picture of a solve shows; its file is there and has been named.
std::string shown(const ProgramResult& result, const std::filesystem::path& output,
                  const nlohmann::json& report) {
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(std::filesystem::exists(output / "solution.png")) << result.err;
  EXPECT_EQ(count_of(result.err, "no "), 0u) << result.err;
  EXPECT_EQ(count_of(result.out, "picture: "), 1u) << result.out;
  return report.value("picture_shows", "");
}

TEST_F(ReportTest, EveryKindOfSolutionHasAPicture) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  testing::write_csv(path("lines.csv"), 40, testing::uniform(200, 3));
  const auto lines =
      run({"solve", "--source", "lines.csv", "--kind", "weights", "--output", "lines"});
  EXPECT_EQ(shown(lines, path("lines"), read_report("lines")).rfind("The first pairs, source", 0),
            0u);
  for (const auto& [name, more, caption] :
       {std::tuple{"fixed", "[barycenter]\nsupport = \"fixed\"\n[problem]\n",
                   "at the end of a row, their barycenter"},
        {"moving",
         "[barycenter]\nsupport = \"free\"\npoints = 15\n[problem]\ngeometry = \"clouds\"\n",
         "The measures of the first problem"}}) {
    const auto job = std::string(name) + ".toml";
    write_bytes(path(job),
                "[data]\ntest = { file = \"test.npy\" }\n[make]\ntest_problems = 3\n"
                "[solver]\nthreshold = 1e-2\n" +
                    std::string(more) + "kind = \"barycenter\"\nepsilon = 0.02\n");
    const auto folder = std::string(name);
    const auto made = run({"make", job, "--output", folder + "/make"});
    ASSERT_EQ(made.code, 0) << made.err;
    const auto solved = run({"solve", job, "--output", folder + "/solve"});
    EXPECT_NE(shown(solved, path(folder + "/solve"), read_report(folder + "/solve")).find(caption),
              std::string::npos);
    expect_in(page(folder), {"All 3 barycenters converged.", caption, "residual"});
  }
}

TEST_F(ReportTest, OtherCommandsNameTheirPicture) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  const auto trained = run(words("train", "named-train", {"train.steps=100"}));
  EXPECT_EQ(last_line(trained.out), "picture: named-train/training.png\n") << trained.out;
  const auto evaluated = run(words("evaluate", "named-evaluate"));
  EXPECT_EQ(last_line(evaluated.out), "picture: named-evaluate/error_curves.png\n");
  const auto scaled =
      run(words("scale", "named-scale",
                {"scale.commands=[\"solve\"]", "scale.repetitions=1", "solver.initializer=zeros"}));
  EXPECT_EQ(last_line(scaled.out), "picture: named-scale/scaling-solve.png\n") << scaled.err;
  EXPECT_EQ(read_report("named-scale")["picture"], "named-scale/scaling-solve.png");
  expect_in(page("named-scale"), {"solve on more ranks, measured", "solve on more ranks, predicted",
                                  "<figure class=\"wide\">"});
}

}  // namespace
}  // namespace otfleet
