#include "src/reports/progress.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace otfleet {
namespace {

constexpr double redraw_seconds = 0.1, line_seconds = 4;
constexpr int bar_width = 24;

double seconds_between(std::chrono::steady_clock::time_point begin,
                       std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::min(seconds, 1e9) + 0.5);
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Progress::Progress(std::string title, std::string unit, std::int64_t total, bool enabled)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(enabled),
      terminal_(isatty(STDERR_FILENO) == 1),
      begin_(std::chrono::steady_clock::now()),
      drawn_(begin_) {}

Progress::~Progress() {
  if (!enabled_ || done_ == 0) return;
  try {
    draw(note_, true);
  } catch (const std::exception&) {  // a missing line of progress is no reason to end the program
  }
}

void Progress::update(std::int64_t done, const std::string& note) {
  done_ = done;
  if (!enabled_) return;
  note_ = note;
  if (!is_due()) return;
  drawn_ = std::chrono::steady_clock::now();
  draw(note_, false);
}

bool Progress::is_due() const {
  return enabled_ && seconds_between(drawn_, std::chrono::steady_clock::now()) >=
                         (terminal_ ? redraw_seconds : line_seconds);
}

void Progress::draw(const std::string& note, bool last) {
  const double seconds = seconds_between(begin_, std::chrono::steady_clock::now());
  const double rate = static_cast<double>(done_) / std::max(seconds, 1e-9);
  const double part =
      total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0)
                 : 0;

  std::string line = title_ + ' ';
  if (terminal_ && total_ > 0) {
    const int filled = static_cast<int>(part * bar_width);
    line += fmt::format("[{}{}] ", std::string(filled, '#'), std::string(bar_width - filled, '.'));
  }
  line += total_ > 0 ? fmt::format("{}/{} {}", done_, total_, unit_)
                     : fmt::format("{} {}", done_, unit_);
  if (done_ > 0) line += fmt::format(", {:.4g}/s", rate);
  if (last) {
    line += ", " + clock_text(seconds);
  } else if (total_ > 0 && done_ > 0) {
    line += ", " + clock_text(static_cast<double>(total_ - done_) / std::max(rate, 1e-9)) + " left";
  }
  if (!note.empty()) line += ", " + note;

  // Back to the start of the line, and clear what a longer line left behind.
  if (terminal_) line = "\r" + line + "\x1b[K";
  if (!terminal_ || last) line += '\n';
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace otfleet
