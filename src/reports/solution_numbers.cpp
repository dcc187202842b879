#include "src/reports/solution_numbers.hpp"

#include <algorithm>
#include <cmath>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t piece = 65536;  // problems

std::string dataset(const std::string& name) {
  return "/solution/" + name;
}

}  // namespace

double SolutionNumbers::relative_gap(std::size_t k) const {
  if (upper.empty() || !std::isfinite(upper[k]) || !std::isfinite(lower[k])) return NAN;
  const double gap = upper[k] - lower[k];
  return gap <= 0 ? 0 : gap / std::abs(upper[k]);
}

SolutionReader::SolutionReader(const distributed::Hdf5File& file) : file_(file) {
  if (!file.has(dataset("status")))
    throw UserError(file.path().string() +
                    ": is no solution: it has no /solution/status; 'otfleet solve' writes one");
  const auto shape = file.info(dataset("status")).shape;
  if (shape.size() != 1)
    throw UserError(file.path().string() + ": /solution/status has not one number a problem");
  problems_ = shape[0];
  // A problem has either bounds of the unregularized optimum or two values between which the
  // regularized one lies; maps have neither.
  cost_ = first_of({"transport_cost", "dual_value", "value"});
  upper_ = first_of({"upper_bound", "primal_value"});
  lower_ = first_of({"lower_bound", "dual_value"});
  if (upper_.empty() || lower_.empty()) upper_ = lower_ = "";
  // Where points move, plans have marginal errors, but what is compared is the residual.
  error_ = first_of({"residual", "marginal_error"});
  counts_iterations_ = !first_of({"iterations"}).empty();
}

/// The first of these columns that has one number a problem.
std::string SolutionReader::first_of(const std::vector<std::string>& names) const {
  const auto found = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    if (!file_.has(dataset(name)) || file_.is_group(dataset(name))) return false;
    const auto info = file_.info(dataset(name));
    return info.shape == std::vector<std::int64_t>{problems_} && (info.is_float || info.is_integer);
  });
  return found == names.end() ? std::string() : *found;
}

std::optional<double> SolutionReader::threshold() const {
  for (const char* name : {"point_threshold", "threshold", "tolerance"})
    if (const auto value = file_.number_attribute("/solution", name)) return value;
  return std::nullopt;
}

std::string SolutionReader::status_word(std::int32_t status) const {
  const auto word = file_.string_attribute("/solution", "status_" + std::to_string(status));
  return word.value_or(status == 0 ? "converged" : std::to_string(status));
}

SolutionNumbers SolutionReader::read(distributed::Shard rows) const {
  SolutionNumbers numbers;
  numbers.rows = rows;
  const auto fill = [&](const std::string& name, auto& values) {
    if (name.empty()) return;
    values.resize(static_cast<std::size_t>(rows.size()));
    using Value = typename std::decay_t<decltype(values)>::value_type;
    file_.read_rows<Value>(dataset(name), rows, values);
  };
  fill("status", numbers.status);
  if (counts_iterations_) fill("iterations", numbers.iterations);
  fill(cost_, numbers.cost);
  fill(lower_, numbers.lower);
  fill(upper_, numbers.upper);
  fill(error_, numbers.error);
  return numbers;
}

void SolutionReader::for_each_piece(const std::function<void(const SolutionNumbers&)>& body) const {
  for (std::int64_t begin = 0; begin < problems_; begin += piece)
    body(read({begin, std::min(begin + piece, problems_)}));
}

}  // namespace otfleet
