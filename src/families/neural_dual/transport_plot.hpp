#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace otfleet {

/// Transport between two distributions on the plane. Points are rows [N, 2], row-major; each cloud
/// may have another number of them, and a cloud without points is left out.
struct TransportPlot {
  std::string title;                   ///< may be empty
  std::span<const double> source;      ///< samples x
  std::span<const double> target;      ///< samples y
  std::span<const double> pushed;      ///< T(x) of samples x
  std::span<const double> pulled;      ///< the inverse map's image of samples y
  std::span<const double> grid_lines;  ///< T of the points of grid_lines(source); may be empty
};

/// Lines of a grid each way, and points that make one line.
constexpr int grid_lines_each_way = 25, grid_line_points = 121;

/// A regular grid over the box of the source's samples and a little more, as lines:
/// [2 · grid_lines_each_way, grid_line_points, 2], first the lines along x. A map bends them.
std::vector<double> grid_lines(std::span<const double> source);

/// DIR/samples.png, the source beside the target; DIR/transported.png, pushed source samples over
/// the target's and pulled target samples over the source's; with grid lines also DIR/grid.png,
/// the grid over the source, where there are samples, beside the same lines warped. Images far
/// outside of the samples that they are drawn over are cut off. Like all plots drawn by gnuplot;
/// where it is missing, a warning and no picture. Returns transported.png, or an empty path where
/// it is not drawn. Throws std::invalid_argument for an odd number of coordinates and for grid
/// lines of another number of points. Local.
std::filesystem::path plot_transport(const std::filesystem::path& directory,
                                     const TransportPlot& plot);

}  // namespace otfleet
