#include "src/reports/plots.hpp"

#include <sstream>

#include "src/models/checkpoint.hpp"
#include "src/reports/gnuplot.hpp"

namespace otfleet {
namespace {

void write_data(std::ostringstream& script, const std::string& name, const std::vector<double>& x,
                const std::vector<double>& y) {
  script << "$" << name << " << EOD\n";
  for (std::size_t k = 0; k < x.size() && k < y.size(); ++k) script << x[k] << ' ' << y[k] << '\n';
  script << "EOD\n";
}

/// Color and dashes of the curve with this index.
std::string line_of(std::size_t k) {
  const auto number = std::to_string(k + 1);
  return "lc rgb color(" + number + ") dt dashes(" + number + ")";
}

/// The path, or an empty one where there is no picture.
std::filesystem::path drawn(const std::filesystem::path& picture,
                            const std::ostringstream& script) {
  return draw_picture(picture, script.str()) ? picture : std::filesystem::path();
}

}  // namespace

std::filesystem::path plot_training(const std::filesystem::path& directory,
                                    const std::vector<double>& history,
                                    const std::string& error_name) {
  std::vector<double> step, loss, error;
  for (std::size_t at = 0; at + history_columns <= history.size(); at += history_columns) {
    step.push_back(history[at]);
    loss.push_back(history[at + 1]);
    error.push_back(history[at + 2]);
  }
  if (step.size() < 2) return {};
  std::ostringstream script;
  write_data(script, "loss", step, loss);
  write_data(script, "error", step, error);
  script << "set xlabel 'step'\nset ylabel 'loss (minus the dual value)'\nset ytics nomirror\n"
            "set y2label 'mean "
         << error_name
         << " of the predictions'\nset y2tics\n"
            "plot $loss with lines lw 2 lc rgb color(1) title 'loss', "
            "$error axes x1y2 with lines lw 2 lc rgb color(2) title '"
         << error_name << "'\n";
  return drawn(directory / "training.png", script);
}

std::filesystem::path plot_error_curves(const std::filesystem::path& directory,
                                        const std::vector<Curve>& curves,
                                        const std::string& title) {
  std::ostringstream script;
  for (std::size_t k = 0; k < curves.size(); ++k)
    write_data(script, "curve" + std::to_string(k), curves[k].x, curves[k].y);
  script << "set title \"" << title << "\"\nset logscale y\nset format y '10^{%L}'\n"
         << "set xlabel 'Sinkhorn iterations'\nset ylabel 'mean marginal error (L1)'\nplot ";
  for (std::size_t k = 0; k < curves.size(); ++k)
    script << (k > 0 ? ", " : "") << "$curve" << k << " with linespoints lw 2 pt 7 ps 0.5 "
           << line_of(k) << " title '" << curves[k].name << "'";
  script << "\n";
  return drawn(directory / "error_curves.png", script);
}

std::filesystem::path plot_scaling(const std::filesystem::path& picture, const std::string& title,
                                   const ScalingPlot& plot) {
  std::ostringstream script;
  for (std::size_t k = 0; k < plot.measured.size(); ++k) {
    const auto number = std::to_string(k);
    write_data(script, "measured" + number, plot.measured[k].x, plot.measured[k].y);
    write_data(script, "predicted" + number, plot.predicted[k].x, plot.predicted[k].y);
  }
  write_data(script, "ideal", plot.ideal.x, plot.ideal.y);
  // One row a rank count, the shares added up from the left.
  script << "$shares << EOD\n";
  for (std::size_t row = 0; row < plot.shares.front().x.size(); ++row) {
    script << plot.shares.front().x[row];
    double sum = 0;
    for (const Curve& share : plot.shares) script << ' ' << (sum += share.y[row]);
    script << '\n';
  }
  script << "EOD\nset terminal pngcairo size 1200,520 font 'Sans,12' enhanced\n"
            "set multiplot layout 1,2 title '"
         << title
         << "'\nset logscale x 2\nset xlabel 'ranks'\n"
            "set logscale y\nset ylabel 'problems a second'\nset key top left\n"
            "plot $ideal with lines dt 3 lc rgb '#888888' title 'ideal'";
  for (std::size_t k = 0; k < plot.measured.size(); ++k)
    script << ", $predicted" << k << " with lines lw 2 " << line_of(k) << " title '"
           << plot.predicted[k].name << "', $measured" << k
           << " with points pt 7 ps 1.4 lc rgb color(" << k + 1 << ") title '"
           << plot.measured[k].name << "'";
  script << "\nunset logscale y\nset ylabel 'share of the time, predicted, strong'\n"
            "set yrange [0:1]\nset key bottom left opaque\nset style fill solid 0.8\nplot ";
  for (std::size_t k = plot.shares.size(); k-- > 0;)
    script << "$shares using 1:" << k + 2 << " with filledcurves x1 lc rgb color(" << k + 1
           << ") title '" << plot.shares[k].name << (k > 0 ? "', " : "'");
  script << "\nunset multiplot\n";
  return drawn(picture, script);
}

}  // namespace otfleet
