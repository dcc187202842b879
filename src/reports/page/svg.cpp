#include "src/reports/page/svg.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/reports/page/html.hpp"

namespace otfleet::page {
namespace {

constexpr double width = 380, height = 250, left = 52, right = 14, top = 18, bottom = 44;
constexpr std::size_t colors = 8;
constexpr double unbounded = std::numeric_limits<double>::infinity();

/// A number beside an axis.
std::string tick_text(double value, bool logarithmic) {
  if (logarithmic && (value < 1e-2 || value >= 1e4)) return round_number(value);
  return short_number(value);
}

/// Where values are on one side of the picture.
class Scale {
 public:
  Scale(double low, double high, bool logarithmic, double from, double to)
      : logarithmic_(logarithmic), from_(from), to_(to) {
    if (logarithmic_) {
      low_ = std::log10(low);
      high_ = std::log10(high);
      if (high_ - low_ < 0.3) {
        low_ -= 0.15;
        high_ += 0.15;
      }
      return;
    }
    low_ = low;
    high_ = high;
    if (!(high_ > low_)) {
      const double size = std::max(std::abs(low_), 1.0);
      low_ -= size / 2;
      high_ += size / 2;
    }
  }

  double place(double value) const {
    const double x = logarithmic_ ? std::log10(value) : value;
    return from_ + (x - low_) / (high_ - low_) * (to_ - from_);
  }

  std::vector<double> ticks() const {
    std::vector<double> values;
    if (logarithmic_) {
      // Decades; where there are few, more of each.
      const double span = high_ - low_;
      const std::vector<double> factors = span > 2.2   ? std::vector<double>{1}
                                          : span > 0.8 ? std::vector<double>{1, 2, 5}
                                                       : std::vector<double>{1, 2, 3, 4, 5, 6, 8};
      const double step = std::max(std::ceil((high_ - low_) / 6), 1.0);
      for (double x = std::floor(low_); x <= high_ + 1e-9; x += step)
        for (const double factor : factors) {
          const double place = x + std::log10(factor);
          if (place >= low_ - 1e-9 && place <= high_ + 1e-9)
            values.push_back(factor * std::pow(10.0, x));
        }
      return values;
    }
    const double rough = (high_ - low_) / 4, power = std::pow(10.0, std::floor(std::log10(rough)));
    const double share = rough / power;
    const double step = power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
    for (double x = std::ceil(low_ / step - 1e-9) * step; x <= high_ + 1e-9 * step; x += step)
      values.push_back(std::abs(x) < step * 1e-9 ? 0 : x);
    return values;
  }

 private:
  bool logarithmic_;
  double low_ = 0, high_ = 1, from_, to_;
};

struct Range {
  double low = unbounded, high = -unbounded;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::string begin_svg(const PlotAxes& axes) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", width, height,
                     escaped(axes.title));
}

std::string text(double x, double y, const char* anchor, const std::string& words,
                 const std::string& more = {}) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, escaped(words));
}

std::string draw_axes(const PlotAxes& axes, const Scale& x, const Scale& y) {
  std::string svg;
  for (const double value : y.ticks()) {
    const double at = y.place(value);
    svg += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                       left, width - right, at, at);
    svg += text(left - 5, at + 4, "end", tick_text(value, axes.log_y));
  }
  constexpr double of_letter = 7;  // pixels, with room between numbers
  double free_from = -unbounded;
  for (const double value : x.ticks()) {
    const auto words = tick_text(value, axes.log_x);
    const double half = of_letter * static_cast<double>(words.size()) / 2;
    const double at = std::min(x.place(value), width - half);
    if (at - half < free_from) continue;
    svg += text(at, height - bottom + 15, "middle", words);
    free_from = at + half;
  }
  svg += fmt::format("<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>\n", left,
                     width - right, height - bottom, height - bottom);
  svg += text((left + width - right) / 2, height - 8, "middle", axes.x);
  const double middle = (top + height - bottom) / 2;
  svg += text(12, middle, "middle", axes.y,
              fmt::format(" transform=\"rotate(-90 12 {:.1f})\"", middle));
  return svg;
}

}  // namespace

std::string histogram_svg(const PlotAxes& axes, const std::vector<double>& edges,
                          const std::vector<double>& heights, std::optional<double> mark,
                          const std::string& mark_name) {
  Range across;
  across.add(edges.front());
  across.add(edges.back());
  if (mark) across.add(*mark);
  const Scale x(across.low, across.high, axes.log_x, left, width - right);
  const double most = *std::max_element(heights.begin(), heights.end());
  const Scale y(0, std::max(most, 1.0), false, height - bottom, top + 4);
  std::string svg = begin_svg(axes) + draw_axes(axes, x, y);
  for (std::size_t k = 0; k < heights.size(); ++k) {
    if (heights[k] <= 0) continue;
    const double from = x.place(edges[k]), to = x.place(edges[k + 1]), above = y.place(heights[k]);
    svg += fmt::format(
        "<rect class=\"bar\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"/>\n",
        from, above, std::max(to - from - 0.5, 0.5), height - bottom - above);
  }
  if (mark) {
    const double at = x.place(*mark);
    const bool near_end = at > (left + width) / 2;
    svg += fmt::format("<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>",
                       at, top, height - bottom);
    svg += text(at + (near_end ? 4 : -4), top - 6, near_end ? "end" : "start", mark_name);
  }
  return svg + "</svg>\n";
}

std::string curves_svg(const PlotAxes& axes, const std::vector<PlotCurve>& curves) {
  const auto shows = [&](double px, double py) {
    return std::isfinite(px) && std::isfinite(py) && (!axes.log_x || px > 0) &&
           (!axes.log_y || py > 0);
  };
  Range across, along;
  std::size_t most = 0;
  for (const auto& curve : curves) {
    std::size_t count = 0;
    for (std::size_t k = 0; k < std::min(curve.x.size(), curve.y.size()); ++k) {
      if (!shows(curve.x[k], curve.y[k])) continue;
      across.add(curve.x[k]);
      along.add(curve.y[k]);
      ++count;
    }
    most = std::max(most, count);
  }
  if (most < 2) return {};
  const Scale x(across.low, across.high, axes.log_x, left, width - right);
  const Scale y(along.low, along.high, axes.log_y, height - bottom, top);
  std::string svg = begin_svg(axes) + draw_axes(axes, x, y), key;
  for (std::size_t c = 0; c < curves.size(); ++c) {
    std::string path;
    for (std::size_t k = 0; k < std::min(curves[c].x.size(), curves[c].y.size()); ++k)
      if (shows(curves[c].x[k], curves[c].y[k]))
        path += fmt::format("{:.1f},{:.1f} ", x.place(curves[c].x[k]), y.place(curves[c].y[k]));
    if (path.empty()) continue;
    const auto number = c % colors + 1;
    svg += fmt::format("<polyline class=\"curve series-{}\" points=\"{}\"/>\n", number, path);
    const double at = top + 10 + 15 * static_cast<double>(c);
    key += text(width - right - 24, at, "end", curves[c].name, " class=\"key\"");
    key += fmt::format(
        "<line class=\"curve series-{}\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
        number, width - right - 19, width - right, at - 4, at - 4);
  }
  return svg + (curves.size() > 1 ? key : "") + "</svg>\n";
}

}  // namespace otfleet::page
