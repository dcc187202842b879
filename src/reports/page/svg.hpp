#pragma once
#include <optional>
#include <string>
#include <vector>

// Plots as SVG inside a page, whose style sheet colors them (series-1 … series-8) for light and
// dark. Drawn for a width of 380 pixels and larger by scaling.

namespace otfleet::page {

struct PlotAxes {
  std::string title, x, y;  ///< title: for readers that do not see it
  bool log_x = false, log_y = false;
};

/// Bars between edges [bars + 1], ascending, and a line down from `mark`.
std::string histogram_svg(const PlotAxes& axes, const std::vector<double>& edges,
                          const std::vector<double>& heights,
                          std::optional<double> mark = std::nullopt,
                          const std::string& mark_name = {});

struct PlotCurve {
  std::string name;
  std::vector<double> x, y;
};

/// Lines with a key. Points that are not finite, or not above 0 on a logarithmic axis, are left
/// out. Empty where no curve has two points.
std::string curves_svg(const PlotAxes& axes, const std::vector<PlotCurve>& curves);

}  // namespace otfleet::page
