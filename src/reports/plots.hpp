#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace otfleet {

/// A line of a plot.
struct Curve {
  std::string name;
  std::vector<double> x, y;
};

// Each returns where its picture is. They are drawn by gnuplot: where it is missing, a warning, and
// an empty path. Local.

/// DIR/training.png: loss and first error, of the given name, against the step, from the trainer's
/// history; with fewer than two rows of it, no picture.
std::filesystem::path plot_training(const std::filesystem::path& directory,
                                    const std::vector<double>& history,
                                    const std::string& error_name);

/// DIR/error_curves.png: mean marginal error (log scale) against iterations, one curve a start.
std::filesystem::path plot_error_curves(const std::filesystem::path& directory,
                                        const std::vector<Curve>& curves, const std::string& title);

/// Throughput and where the time goes, against the ranks.
struct ScalingPlot {
  std::vector<Curve> measured, predicted;  ///< items a second
  Curve ideal;
  std::vector<Curve> shares;  ///< of the predicted time, on the same ranks
};

/// Both as one picture.
std::filesystem::path plot_scaling(const std::filesystem::path& picture, const std::string& title,
                                   const ScalingPlot& plot);

}  // namespace otfleet
