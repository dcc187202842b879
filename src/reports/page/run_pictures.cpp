#include "src/reports/page/run_pictures.hpp"

#include <spdlog/fmt/fmt.h>

#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <set>

#include "src/reports/page/html.hpp"
#include "src/reports/page/json_values.hpp"
#include "src/reports/page/svg.hpp"
#include "src/reports/solution_picture.hpp"

namespace otfleet::page {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t most_bytes = 8 << 20;  // of a PNG file
/// The rows of fewer problems say more than their distribution.
constexpr std::int64_t fewest_of_a_distribution = 10;
constexpr unsigned wide_pixels = 1000, large_pixels = 700;

std::string words_about(const std::string& name) {
  static const std::map<std::string, std::string> words = {
      {"interpolation.png",
       "Displacement interpolation of held-out pairs: predicted (odd rows) "
       "and solved (even rows)"},
      {"transported.png", "Source samples pushed onto the target, and target samples pulled back"},
      {"samples.png", "Samples of the source and of the target"},
      {"grid.png", "A grid over the source, and where the map takes it"},
      {"training.png", "Loss and first error against the step"},
      {"error_curves.png", "Mean marginal error against Sinkhorn iterations"},
      {"scaling-solve.png", "solve: throughput, and where the time goes, against ranks"},
      {"scaling-train.png", "train: throughput, and where the time goes, against ranks"}};
  const auto found = words.find(name);
  return found == words.end() ? name : found->second;
}

/// Of a PNG file; 0 where it is cut off.
unsigned png_width(const std::string& bytes) {
  if (bytes.size() < 20) return 0;
  unsigned width = 0;
  for (std::size_t k = 16; k < 20; ++k) width = width << 8 | static_cast<unsigned char>(bytes[k]);
  return width;
}

Size size_of(unsigned pixels) {
  return pixels >= wide_pixels ? Size::wide : pixels >= large_pixels ? Size::large : Size::small;
}

std::string png_figure(const fs::path& file, const std::string& caption) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error || bytes > most_bytes)
    return element("p", escaped(file.filename().string() + " is too large for this page"));
  std::ifstream stream(file, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(stream), {}};
  return figure(fmt::format("<img alt=\"{}\" src=\"{}\">\n", escaped(caption),
                            data_url("image/png", content)),
                caption, size_of(png_width(content)));
}

std::string figure_of(const std::string& svg, const std::string& caption) {
  return svg.empty() ? std::string() : figure(svg, caption);
}

std::vector<double> numbers_in(const nlohmann::json& list) {
  std::vector<double> values;
  for (const auto& value : list) values.push_back(value.is_number() ? value.get<double>() : NAN);
  return values;
}

std::string error_curves(const nlohmann::json& report) {
  const auto& curves = at(report, {"error_curves"});
  if (!curves.is_object()) return {};
  std::vector<PlotCurve> all;
  for (const auto& [name, values] : curves.items()) {
    if (!values.is_array()) continue;
    PlotCurve curve{name, {}, numbers_in(values)};
    curve.x.resize(curve.y.size());
    std::iota(curve.x.begin(), curve.x.end(), 0.0);
    all.push_back(std::move(curve));
  }
  const std::string caption = "Mean marginal error against Sinkhorn iterations, from each start";
  return figure_of(curves_svg({caption, "Sinkhorn iterations", "marginal error", false, true}, all),
                   caption);
}

std::string training_curves(const nlohmann::json& report) {
  const auto& history = at(report, {"history"});
  if (!history.is_array()) return {};
  PlotCurve loss{"loss", {}, {}}, error{"first error", {}, {}};
  for (const auto& row : history) {
    const auto step = number_at(row, {"step"});
    if (!step) continue;
    for (auto* curve : {&loss, &error}) {
      curve->x.push_back(*step);
      curve->y.push_back(number_at(row, {curve == &loss ? "loss" : "first_error"}).value_or(NAN));
    }
  }
  return figure_of(curves_svg({"Loss against the step", "step", "loss", false, false}, {loss}),
                   "Loss against the step of training") +
         figure_of(curves_svg({"First error against the step", "step", "first error", false, true},
                              {error}),
                   "Error of the model's answers as they are, against the step of training");
}

std::string histogram(const Histogram& values, const std::string& what, bool logarithmic,
                      std::optional<double> mark = std::nullopt) {
  if (values.empty()) return {};
  const auto caption = "Distribution of the " + what + " over the problems";
  if (mark && !(*mark > 0)) mark.reset();
  return figure(histogram_svg({caption, what, "problems", logarithmic, false}, values.edges,
                              values.counts, mark, "threshold"),
                caption);
}

}  // namespace

std::string run_pictures(const ShownRun& shown) {
  const auto& [run, solution] = shown;
  std::set<std::string> drawn;
  std::string html, from_numbers;
  if (const auto curves = error_curves(run.report); !curves.empty()) {
    from_numbers += curves;
    drawn.insert("error_curves.png");
  }
  if (const auto curves = training_curves(run.report); !curves.empty()) {
    from_numbers += curves;
    drawn.insert("training.png");
  }
  if (solution && solution->problems >= fewest_of_a_distribution)
    from_numbers += histogram(solution->costs, solution->cost_name, false) +
                    histogram(solution->errors, solution->error_name, true, solution->threshold) +
                    histogram(solution->gaps, "relative gap between the bounds", true);
  if (solution && solution->problems >= fewest_of_a_distribution &&
      text_at(run.report, {"picture_shows"}) == certificates_caption)
    drawn.insert(solution_picture_name);
  for (const auto& picture : run.pictures) {
    const auto name = picture.filename().string();
    if (drawn.contains(name)) continue;
    const auto shows = text_at(run.report, {"picture_shows"});
    html += png_figure(picture,
                       name == solution_picture_name && !shows.empty() ? shows : words_about(name));
  }
  html += from_numbers;
  return html.empty() ? html : element("div", html, "pictures");
}

}  // namespace otfleet::page
