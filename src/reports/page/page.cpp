#include "src/reports/page/page.hpp"

#include "src/reports/page/html.hpp"
#include "src/reports/page/outcome.hpp"
#include "src/reports/page/run_folder.hpp"
#include "src/reports/page/run_pictures.hpp"
#include "src/reports/page/run_tables.hpp"
#include "src/reports/page/settings_tables.hpp"
#include "src/reports/versions.hpp"

namespace otfleet::page {
namespace {

/// The runs with their solutions; what cannot be read is a fault of the run.
std::vector<ShownRun> show(std::vector<Run> runs) {
  std::vector<ShownRun> all;
  for (Run& run : runs) {
    ShownRun shown{std::move(run), std::nullopt};
    if (!shown.run.solution.empty()) try {
        shown.solution = summarize(distributed::Hdf5File::open(shown.run.solution));
      } catch (const std::exception& error) {
        shown.run.faults.push_back(std::string("solution.h5 cannot be read: ") + error.what());
      }
    all.push_back(std::move(shown));
  }
  return all;
}

/// What `make` returns for every run, each under its name where there are several, unless what it
/// returns says the name itself.
template <class Make>
std::string for_runs(const std::vector<ShownRun>& runs, const Make& make, bool says_name = false) {
  std::vector<std::pair<std::string, std::string>> parts;
  for (const auto& shown : runs) {
    std::string html;
    try {
      html = make(shown);
    } catch (const std::exception& error) {
      html = element("p", escaped(std::string("This part cannot be shown: ") + error.what()),
                     "faults");
    }
    if (!html.empty()) parts.emplace_back(shown.run.name, std::move(html));
  }
  std::string all;
  for (const auto& [name, html] : parts)
    all += (runs.size() > 1 && !says_name ? element("h3", escaped(name)) : "") + html;
  return all;
}

std::string section(const char* title, const std::string& content) {
  return content.empty() ? content : element("section", element("h2", title) + content);
}

const char* class_of(Outcome::Mood mood) {
  switch (mood) {
    case Outcome::Mood::good:
      return "verdict good";
    case Outcome::Mood::bad:
      return "verdict bad";
    default:
      return "verdict";
  }
}

std::string content_of(const std::string& title, const std::vector<ShownRun>& shown) {
  std::vector<Run> runs;
  runs.reserve(shown.size());
  for (const auto& one : shown) runs.push_back(one.run);
  const auto verdict = verdict_on(runs);
  std::string html = element("h1", escaped(title));
  html += element("p", escaped(verdict.text), class_of(verdict.mood));
  html += overview_table(shown);
  html += section("Pictures", for_runs(shown, run_pictures));
  html += section("Results", for_runs(shown, result_tables));
  if (const auto times = for_runs(shown, seconds_table, true); !times.empty())
    html += section("Time", element("p", "By the wall, of the slowest rank.") +
                                element("div", times, "beside"));
  html += section("Worst rows", for_runs(shown, worst_row_tables));
  html += section("Settings", settings_tables(shown));
  html += section("Versions", version_tables(shown));
  return html +
         element("footer", "Written by otfleet report, revision " + escaped(revision()) + ".");
}

/// The skeleton with its places filled; what is filled in is not looked at again.
std::string filled(const std::string& title, const std::string& content) {
  const std::pair<std::string, std::string> places[] = {
      {"@TITLE@", escaped(title)}, {"@STYLE@", page_css}, {"@CONTENT@", content}};
  std::string rest = page_html, page;
  for (const auto& [place, text] : places) {
    const auto at = rest.find(place);
    page += rest.substr(0, at) + text;
    rest.erase(0, at + place.size());
  }
  return page + rest;
}

}  // namespace

distributed::FileMark page_mark() {
  const std::string skeleton = page_html;
  return distributed::FileMark::text("page", skeleton.substr(0, skeleton.find("<html")));
}

std::string page_of(const std::filesystem::path& folder) {
  const auto shown = show(find_runs(folder));
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(folder, ignored).lexically_normal();
  const auto name =
      absolute.has_filename() ? absolute.filename() : absolute.parent_path().filename();
  const auto title = name.string() + ": a report of otfleet";
  return filled(title, content_of(title, shown));
}

}  // namespace otfleet::page
