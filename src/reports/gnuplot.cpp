#include "src/reports/gnuplot.hpp"

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

constexpr const char* style =
    "set terminal pngcairo size 900,560 font 'Sans,13' enhanced\n"
    "set grid lc rgb '#dddddd'\nset border lc rgb '#555555'\nset key top right\n"
    "colors = '#c0392b #2471a3 #1e8449 #7d3c98 #d68910 #17a589 #839192 #2c3e50'\n"
    "color(k) = word(colors, (k - 1) % words(colors) + 1)\n"
    "dashes(k) = (k - 1) / words(colors) + 1\n";

/// In single quotes, of which `escaped` is one.
std::string quoted(const std::string& text, const std::string& escaped) {
  std::string result = "'";
  for (const char letter : text) result += letter == '\'' ? escaped : std::string(1, letter);
  return result + "'";
}

/// What gnuplot said, on one line; where it was not found, the shell says so.
std::string words_in(const std::filesystem::path& file) {
  constexpr std::size_t most = 300;
  std::ifstream stream(file);
  std::string all;
  for (std::string line; std::getline(stream, line) && all.size() < most;) {
    const auto begin = line.find_first_not_of(" \t^");
    if (begin != std::string::npos) all += (all.empty() ? "" : " ") + line.substr(begin);
  }
  return all.size() > most ? all.substr(0, most) + "..." : all;
}

}  // namespace

bool draw_picture(const std::filesystem::path& picture, const std::string& script) {
  distributed::StagedPath staged(picture, distributed::FileMark::png());
  const auto complaints = picture.parent_path() / ("." + picture.filename().string() + ".words");
  // Writing to a gnuplot that is not there must not end the program.
  const auto on_broken_pipe = std::signal(SIGPIPE, SIG_IGN);
  const std::string command = "gnuplot 2>" + quoted(complaints.string(), "'\\''");
  FILE* gnuplot = popen(command.c_str(), "w");
  bool drawn = gnuplot != nullptr;
  if (drawn) {
    const std::string text =
        style + ("set output " + quoted(staged.temporary().string(), "''")) + "\n" + script;
    std::fwrite(text.data(), 1, text.size(), gnuplot);
    drawn = pclose(gnuplot) == 0;
  }
  std::signal(SIGPIPE, on_broken_pipe);
  const auto words = words_in(complaints);
  std::error_code error;
  std::filesystem::remove(complaints, error);
  if (!drawn) {
    spdlog::warn("no {}: gnuplot is missing or failed{}", picture.string(),
                 words.empty() ? "" : ": " + words);
    return false;
  }
  distributed::mark_png(staged.temporary());
  staged.commit();
  return true;
}

}  // namespace otfleet
