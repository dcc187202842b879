#include "src/pictures/gnuplot.hpp"

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>

#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

constexpr const char* style =
    "set terminal pngcairo size 900,560 font 'Sans,13' enhanced\n"
    "set grid lc rgb '#dddddd'\nset border lc rgb '#555555'\nset key top right\n"
    "array color[5] = ['#c0392b', '#2471a3', '#1e8449', '#7d3c98', '#d68910']\n";

}  // namespace

void draw_picture(const std::filesystem::path& picture, const std::string& script) {
  distributed::StagedPath staged(picture, distributed::FileMark::png());
  // Writing to a gnuplot that is not there must not end the program.
  const auto on_broken_pipe = std::signal(SIGPIPE, SIG_IGN);
  FILE* gnuplot = popen("gnuplot 2>/dev/null", "w");
  bool drawn = gnuplot != nullptr;
  if (drawn) {
    const std::string text =
        style + std::string("set output '") + staged.temporary().string() + "'\n" + script;
    std::fwrite(text.data(), 1, text.size(), gnuplot);
    drawn = pclose(gnuplot) == 0;
  }
  std::signal(SIGPIPE, on_broken_pipe);
  if (!drawn) return spdlog::warn("no {}: gnuplot is missing or failed", picture.string());
  distributed::mark_png(staged.temporary());
  staged.commit();
}

}  // namespace otfleet
