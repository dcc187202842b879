#include "src/trainers/figure_window.hpp"

#include <utility>

namespace otfleet {

FigureWindow::FigureWindow(std::size_t columns)
    : rows_("otfleet::training::figures", 1024, columns) {}

DeviceArray<double> FigureWindow::next_row() {
  if (used_ == rows_.extent(0)) read();
  return rows_.row(used_++);
}

std::vector<double> FigureWindow::take() {
  read();
  return std::exchange(read_, {});
}

void FigureWindow::read() {
  if (used_ == 0) return;
  const auto found = rows_.rows(0, used_);
  const auto values = found.download();
  read_.insert(read_.end(), values.begin(), values.end());
  found.fill(0);
  used_ = 0;
}

}  // namespace otfleet
