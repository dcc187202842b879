#include "src/reports/page/solution_summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/reports/solution_numbers.hpp"

namespace otfleet::page {
namespace {

using distributed::Hdf5File;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t most_bins = 32;

std::string words_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// The rows with the largest values, the largest first.
class Worst {
 public:
  void add(double value, std::int64_t row) {
    if (std::isnan(value)) value = infinity;
    if (rows_.size() == SolutionSummary::most_rows && value <= rows_.back().first) return;
    const auto place = std::find_if(rows_.begin(), rows_.end(),
                                    [&](const auto& other) { return other.first < value; });
    rows_.insert(place, {value, row});
    if (rows_.size() > SolutionSummary::most_rows) rows_.pop_back();
  }
  template <class Read>
  std::vector<CertifiedRow> read(const Read& read_row) const {
    std::vector<CertifiedRow> all;
    for (const auto& [value, row] : rows_) all.push_back(read_row(row));
    return all;
  }

 private:
  std::vector<std::pair<double, std::int64_t>> rows_;
};

/// The range of some values, then how they are distributed in it.
class Bins {
 public:
  explicit Bins(bool logarithmic) : logarithmic_(logarithmic) {}

  bool takes(double value) const { return std::isfinite(value) && (!logarithmic_ || value > 0); }
  void see(double value) {
    if (!takes(value)) return;
    const double x = logarithmic_ ? std::log10(value) : value;
    low_ = std::min(low_, x);
    high_ = std::max(high_, x);
    ++seen_;
  }
  void begin_counting() {
    if (seen_ == 0) return;
    const auto bins =
        std::clamp<std::size_t>(2 * static_cast<std::size_t>(std::sqrt(seen_)), 1, most_bins);
    if (!(high_ > low_)) {
      const double size = logarithmic_ ? 1 : std::max(std::abs(low_), 1.0);
      low_ -= size / 2;
      high_ += size / 2;
    }
    counts_.assign(bins, 0);
  }
  void count(double value) {
    if (counts_.empty() || !takes(value)) return;
    const double x = logarithmic_ ? std::log10(value) : value;
    const auto bins = static_cast<double>(counts_.size());
    const double place = std::clamp((x - low_) / (high_ - low_) * bins, 0.0, bins - 1);
    ++counts_[static_cast<std::size_t>(place)];
  }
  Histogram histogram() const {
    Histogram result;
    if (counts_.empty()) return result;
    for (std::size_t k = 0; k <= counts_.size(); ++k) {
      const double share = static_cast<double>(k) / static_cast<double>(counts_.size());
      const double edge = std::lerp(low_, high_, share);
      result.edges.push_back(logarithmic_ ? std::pow(10.0, edge) : edge);
    }
    result.counts = counts_;
    return result;
  }

 private:
  bool logarithmic_;
  double low_ = infinity, high_ = -infinity, seen_ = 0;
  std::vector<double> counts_;
};

double value_or_nan(const std::vector<double>& values, std::size_t k) {
  return values.empty() ? NAN : values[k];
}

std::optional<std::int32_t> measure(const Hdf5File& file, const std::string& side,
                                    std::int64_t row) {
  const auto dataset = "/problems/" + side;
  if (!file.has(dataset)) return std::nullopt;
  std::int32_t value = 0;
  file.read_rows<std::int32_t>(dataset, {row, row + 1}, std::span(&value, 1));
  return value;
}

CertifiedRow certified(const Hdf5File& file, const SolutionReader& reader, std::int64_t row) {
  const auto one = reader.read({row, row + 1});
  CertifiedRow result{};
  result.problem = row;
  result.status = reader.status_word(one.status[0]);
  result.source = measure(file, "source", row);
  result.target = measure(file, "target", row);
  if (!one.iterations.empty()) result.iterations = one.iterations[0];
  result.cost = value_or_nan(one.cost, 0);
  result.lower = value_or_nan(one.lower, 0);
  result.upper = value_or_nan(one.upper, 0);
  result.gap = one.relative_gap(0);
  result.error = value_or_nan(one.error, 0);
  return result;
}

}  // namespace

SolutionSummary summarize(const Hdf5File& solution) {
  const SolutionReader reader(solution);
  SolutionSummary summary;
  summary.problems = reader.problems();
  summary.cost_name = words_of(reader.cost_name());
  summary.error_name = words_of(reader.error_name());
  summary.lower_name = words_of(reader.lower_name());
  summary.upper_name = words_of(reader.upper_name());
  summary.threshold = reader.threshold();
  Bins costs(false), errors(true), gaps(true);
  Worst by_error, by_gap, failed;
  std::map<std::int32_t, std::int64_t> statuses;
  reader.for_each_piece([&](const SolutionNumbers& piece) {
    for (std::size_t k = 0; k < piece.status.size(); ++k) {
      const auto row = piece.rows.begin + static_cast<std::int64_t>(k);
      const double error = value_or_nan(piece.error, k), gap = piece.relative_gap(k);
      ++statuses[piece.status[k]];
      costs.see(value_or_nan(piece.cost, k));
      errors.see(error);
      gaps.see(gap);
      if (!piece.error.empty()) by_error.add(error, row);
      if (reader.has_bounds()) by_gap.add(gap, row);
      if (piece.status[k] == 0) continue;
      ++summary.failed;
      failed.add(error, row);
    }
  });
  for (auto* bins : {&costs, &errors, &gaps}) bins->begin_counting();
  reader.for_each_piece([&](const SolutionNumbers& piece) {
    for (std::size_t k = 0; k < piece.status.size(); ++k) {
      costs.count(value_or_nan(piece.cost, k));
      errors.count(value_or_nan(piece.error, k));
      gaps.count(piece.relative_gap(k));
    }
  });
  summary.costs = costs.histogram();
  summary.errors = errors.histogram();
  summary.gaps = gaps.histogram();
  for (const auto& [status, count] : statuses) summary.statuses[reader.status_word(status)] = count;
  const auto read = [&](std::int64_t row) { return certified(solution, reader, row); };
  summary.largest_errors = by_error.read(read);
  summary.largest_gaps = by_gap.read(read);
  summary.not_converged = failed.read(read);
  return summary;
}

}  // namespace otfleet::page
