// Any solution: how its costs are distributed, and how good every row is.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "src/reports/gnuplot.hpp"
#include "src/reports/solution_numbers.hpp"
#include "src/reports/solution_picture.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

/// Dots of a curve: the worst of every stretch of rows.
constexpr std::int64_t most_certificate_dots = 2000;
constexpr std::size_t most_bins = 40;
/// Up to so many problems, axes have a number for each of them.
constexpr std::int64_t few = 10;

/// "marginal error", as a picture names a column.
std::string words_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// The largest value of every stretch of rows, and its row.
class WorstOfStretches {
 public:
  explicit WorstOfStretches(std::int64_t rows)
      : length_((rows + most_certificate_dots - 1) / most_certificate_dots),
        rows_(static_cast<std::size_t>((rows + length_ - 1) / length_), -1),
        values_(rows_.size()) {}

  void add(std::int64_t row, double value) {
    const auto at = static_cast<std::size_t>(row / length_);
    if (!(value > 0) || !std::isfinite(value) || (rows_[at] >= 0 && value <= values_[at])) return;
    rows_[at] = row;
    values_[at] = value;
    any_ = true;
  }
  bool any() const { return any_; }
  void write(std::ostringstream& script, const char* name) const {
    script << '$' << name << " << EOD\n";
    for (std::size_t k = 0; k < rows_.size(); ++k)
      if (rows_[k] >= 0) script << rows_[k] << ' ' << values_[k] << '\n';
    script << "EOD\n";
  }

 private:
  std::int64_t length_;
  std::vector<std::int64_t> rows_;
  std::vector<double> values_;
  bool any_ = false;
};

struct Figures {
  std::vector<double> costs;
  std::vector<std::int64_t> rows;  ///< of these costs
  WorstOfStretches errors, gaps;
  std::int64_t converged = 0;

  explicit Figures(const SolutionReader& reader)
      : errors(reader.problems()), gaps(reader.problems()) {
    reader.for_each_piece([&](const SolutionNumbers& piece) {
      for (std::size_t k = 0; k < piece.status.size(); ++k) {
        const auto row = piece.rows.begin + static_cast<std::int64_t>(k);
        converged += piece.status[k] == 0;
        if (!piece.cost.empty() && std::isfinite(piece.cost[k])) {
          costs.push_back(piece.cost[k]);
          rows.push_back(row);
        }
        if (!piece.error.empty()) errors.add(row, piece.error[k]);
        gaps.add(row, piece.relative_gap(k));
      }
    });
  }
};

/// Bins of equal width; one of them where all values are the same.
void write_histogram(std::ostringstream& script, const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const auto bins = std::clamp<std::size_t>(
      static_cast<std::size_t>(2 * std::sqrt(static_cast<double>(values.size()))), 1, most_bins);
  double width = (*high - *low) / static_cast<double>(bins);
  if (!(width > 0)) width = std::max(std::abs(*low), 1.0) / static_cast<double>(bins);
  std::vector<std::int64_t> counts(bins, 0);
  for (const double value : values)
    ++counts[std::min(static_cast<std::size_t>((value - *low) / width), bins - 1)];
  script << "$costs << EOD\n";
  for (std::size_t k = 0; k < bins; ++k)
    script << *low + (static_cast<double>(k) + 0.5) * width << ' ' << counts[k] << '\n';
  script << "EOD\nset boxwidth " << width << "\n";
}

/// How costs are distributed; of a few problems the cost of each.
void write_costs(std::ostringstream& script, const std::string& name, const Figures& figures,
                 std::int64_t problems) {
  script << "set style fill solid 0.75 noborder\n";
  if (problems <= few) {
    script << "$costs << EOD\n";
    for (std::size_t k = 0; k < figures.costs.size(); ++k)
      script << figures.rows[k] << ' ' << figures.costs[k] << '\n';
    script << "EOD\nset boxwidth 0.6\nset xlabel 'problem'\nset ylabel '" << name
           << "'\nset yrange [*<0:0<*]\nset xrange [-0.5:" << problems
           << " - 0.5]\nset xtics 1 nomirror\n";
  } else {
    write_histogram(script, figures.costs);
    script << "set xlabel '" << name
           << "'\nset ylabel 'problems'\nset yrange [0:*]\nset format x '%.3g'\nset xtics "
              "nomirror\n";
  }
  script << "plot $costs with boxes lc rgb color(2) notitle\n"
         << "set yrange [*:*]\nset format x '%.0f'\n";
}

class Certificates final : public SolutionPicture {
 public:
  const char* shows() const override { return certificates_caption; }
  bool fits(const SolvedProblems& solved) const override {
    return SolutionReader(solved.solution).problems() > 0;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const SolutionReader reader(solved.solution);
    const Figures figures(reader);
    const bool dots = figures.errors.any() || figures.gaps.any();
    std::ostringstream script;
    script << "set terminal pngcairo size " << (figures.costs.empty() || !dots ? 640 : 1200)
           << ",480 font 'Sans,12' enhanced\nset multiplot layout 1,"
           << (figures.costs.empty() || !dots ? 1 : 2) << " title \""
           << fmt::format("{} of {} converged", figures.converged, reader.problems())
           << "\" noenhanced\n";
    if (!figures.costs.empty())
      write_costs(script, words_of(reader.cost_name()), figures, reader.problems());
    if (dots) write_dots(script, reader, figures);
    script << "unset multiplot\n";
    return draw_picture(picture, script.str());
  }

 private:
  static void write_dots(std::ostringstream& script, const SolutionReader& reader,
                         const Figures& figures) {
    std::vector<std::string> plots;
    const std::string size = reader.problems() <= few ? "1.2" : "0.4";
    if (figures.errors.any()) {
      figures.errors.write(script, "errors");
      plots.push_back("$errors with points pt 7 ps " + size + " lc rgb color(1) title '" +
                      words_of(reader.error_name()) + "'");
    }
    if (figures.gaps.any()) {
      figures.gaps.write(script, "gaps");
      plots.emplace_back("$gaps with points pt 7 ps " + size +
                         " lc rgb color(2) title 'gap between the bounds / upper bound'");
    }
    if (const auto threshold = reader.threshold(); threshold && *threshold > 0)
      plots.push_back(
          fmt::format("{} with lines lw 2 dt 2 lc rgb '#555555' title 'threshold'", *threshold));
    script
        << "set logscale y\nset format y '10^{%L}'\nset xlabel 'problem'\nunset ylabel\n"
        << "set key above horizontal\nset offsets 0, 0, graph 0.05, graph 0.05\nset xrange [-0.5:"
        << reader.problems() << " - 0.5]\n"
        << (reader.problems() <= few ? "set xtics 1\n" : "") << "plot ";
    for (std::size_t k = 0; k < plots.size(); ++k) script << (k > 0 ? ", " : "") << plots[k];
    script << "\n";
  }
};

}  // namespace

const SolutionPicture& certificates() {
  static const Certificates instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
