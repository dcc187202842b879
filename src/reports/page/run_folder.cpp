#include "src/reports/page/run_folder.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include "distributed/error.hpp"
#include "distributed/file_mark.hpp"
#include "src/data/file_kinds.hpp"
#include "src/reports/page/json_values.hpp"

namespace otfleet::page {
namespace {

namespace fs = std::filesystem;

constexpr std::array command_order = {"make", "train", "solve", "evaluate", "scale"};

/// The names of regular files in a folder, sorted; none where it cannot be read.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool any_begins(const std::vector<std::string>& names, const std::string& beginning) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.starts_with(beginning); });
}

/// Reads a report; null, with a fault in the run, where it is none.
nlohmann::json read_report(const fs::path& file, Run& run) {
  std::ifstream stream(file, std::ios::binary);
  auto json = nlohmann::json::parse(stream, nullptr, false);
  if (!json.is_discarded() && text_at(json, {distributed::kind_attribute}) == report_kind)
    return json;
  run.faults.push_back(
      file.filename().string() +
      (json.is_discarded() ? " is damaged or cut off" : " is no report that otfleet wrote") +
      "; run the command again to get it");
  return nullptr;
}

/// Reports of shares: how many of how many.
void count_shares(const std::vector<std::string>& names, Run& run) {
  int shares = 0, of = 0;
  for (const auto& name : names) {
    int index = 0, count = 0;
    if (std::sscanf(name.c_str(), "report-share-%d-of-%d.json", &index, &count) != 2) continue;
    ++shares;
    of = std::max(of, count);
  }
  if (shares == 0) return;
  run.command = "solve";
  run.faults.push_back(
      fmt::format("{} of {} shares are solved; 'otfleet solve' without --share puts them together",
                  shares, of));
}

/// What an unfinished command leaves, where there is no report.
void look_for_beginnings(const std::vector<std::string>& names, Run& run) {
  const auto parts = names_in(run.folder / "solution.parts");
  count_shares(names, run);
  if (!run.faults.empty()) return;
  if (any_begins(parts, "rows-") || any_begins(parts, "potentials-")) {
    run.command = "solve";
    run.faults.emplace_back("solve is not finished; run the same command again to go on");
  } else if (!run.solution.empty()) {
    run.command = "solve";
    run.faults.emplace_back("report.json is missing; run solve again to get it");
  } else if (any_begins(names, "training-")) {
    run.command = "train";
    run.faults.emplace_back("train is not finished; run the same command again to go on");
  } else if (any_begins(names, ".otfleet-lock")) {
    run.faults.emplace_back(
        "a command has begun and saved nothing yet; wait for its end, or run it again if it was "
        "killed");
  }
}

void find_pictures(const std::vector<std::string>& names, Run& run) {
  const auto first = fs::path(text_at(run.report, {"picture"})).filename().string();
  for (const auto& name : names)
    if (name.ends_with(".png") && distributed::FileMark::png().is_on(run.folder / name))
      run.pictures.push_back(run.folder / name);
  std::stable_partition(run.pictures.begin(), run.pictures.end(),
                        [&](const fs::path& picture) { return picture.filename() == first; });
}

/// What a folder holds; without a command and without faults it is no run's.
Run look_into(const fs::path& folder, const std::string& name) {
  Run run;
  run.folder = folder;
  run.name = name;
  const auto names = names_in(folder);
  const auto has = [&](const char* file) {
    return std::find(names.begin(), names.end(), file) != names.end();
  };
  if (has("solution.h5")) run.solution = folder / "solution.h5";
  if (has("report.json")) run.report = read_report(folder / "report.json", run);
  if (run.report.is_object()) {
    run.command = text_at(run.report, {"command"});
    if (run.command == "solve" && run.solution.empty())
      run.faults.emplace_back(
          "solution.h5 is missing: it was moved or removed; solve again to get it");
  } else {
    look_for_beginnings(names, run);
  }
  find_pictures(names, run);
  return run;
}

std::size_t place_of(const Run& run) {
  return static_cast<std::size_t>(
      std::find(command_order.begin(), command_order.end(), run.command) - command_order.begin());
}

bool has_report(const Run& run) {
  std::error_code ignored;
  return fs::exists(run.folder / "report.json", ignored);
}

}  // namespace

std::vector<Run> find_runs(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw UserError(
        folder.string() +
        ": is no folder; name the output folder of a command, or one that holds several");
  std::vector<Run> runs;
  const auto add = [&](const fs::path& path, const std::string& name) {
    Run run = look_into(path, name);
    if (!run.command.empty() || !run.faults.empty()) runs.push_back(std::move(run));
  };
  const auto absolute = fs::absolute(folder, error).lexically_normal();
  const auto own =
      absolute.has_filename() ? absolute.filename() : absolute.parent_path().filename();
  add(folder, own.string());
  std::vector<fs::path> below;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->path().filename().string().starts_with("."))
      below.push_back(entry->path());
  }
  std::sort(below.begin(), below.end());
  const auto first_below = static_cast<std::ptrdiff_t>(runs.size());
  for (const auto& path : below) add(path, path.filename().string());
  std::stable_sort(runs.begin() + first_below, runs.end(),
                   [](const Run& a, const Run& b) { return place_of(a) < place_of(b); });
  if (std::any_of(runs.begin(), runs.end(), has_report)) return runs;
  if (runs.empty())
    throw UserError(
        folder.string() +
        ": neither it nor a folder in it has a report.json; name the output folder of make, train, "
        "solve, evaluate or scale (--output, or JOB-out)");
  std::string unfinished;
  for (const Run& run : runs)
    unfinished += "; " + (run.folder == folder ? "" : run.name + ": ") + run.faults.front();
  throw UserError(folder.string() + ": no report.json yet" + unfinished);
}

}  // namespace otfleet::page
