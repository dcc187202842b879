#include "kernels/solvers/low_rank/objective.hpp"

namespace otfleet::kernels {

double LowRankObjectiveForm::gain(const Numbers& moments) const {
  const std::size_t w = width();
  double sum = 0;
  if (kind_ == LowRankObjective::linear) {
    for (std::size_t c = 0; c < w; ++c) sum += moments[c * w + c];
    return sum;
  }
  for (std::size_t c = 0; c < coordinates_; ++c)
    for (std::size_t e = 0; e < coordinates_; ++e)
      sum += moments[c * w + e] * moments[c * w + e] / 2;
  return sum + moments[w * w - 1] / 4;
}

std::vector<double> LowRankObjectiveForm::form(const Numbers& moments) const {
  const std::size_t w = width();
  Numbers form(w * w, 0.0);
  if (kind_ == LowRankObjective::linear) {
    for (std::size_t c = 0; c < w; ++c) form[c * w + c] = 1;
    return form;
  }
  for (std::size_t c = 0; c < coordinates_; ++c)
    for (std::size_t e = 0; e < coordinates_; ++e) form[c * w + e] = moments[c * w + e];
  form[w * w - 1] = 0.25;
  return form;
}

std::vector<double> cross_moments(const std::vector<double>& coupling,
                                  const std::vector<double>& from, const std::vector<double>& to,
                                  std::size_t width) {
  const std::size_t r = from.size() / width;
  const bool diagonal = coupling.size() == r;
  std::vector<double> moments(width * width, 0.0);
  const auto add = [&](std::size_t k, std::size_t l, double mass) {
    if (mass == 0) return;
    for (std::size_t c = 0; c < width; ++c)
      for (std::size_t e = 0; e < width; ++e)
        moments[c * width + e] += mass * from[k * width + c] * to[l * width + e];
  };
  for (std::size_t k = 0; k < r; ++k) {
    if (diagonal) {
      add(k, k, coupling[k]);
      continue;
    }
    for (std::size_t l = 0; l < r; ++l) add(k, l, coupling[k * r + l]);
  }
  return moments;
}

std::vector<double> times_form(const std::vector<double>& form, const std::vector<double>& rows,
                               std::size_t width, bool transposed) {
  const std::size_t r = rows.size() / width;
  std::vector<double> products(rows.size(), 0.0);
  for (std::size_t k = 0; k < r; ++k)
    for (std::size_t c = 0; c < width; ++c)
      for (std::size_t e = 0; e < width; ++e)
        products[k * width + c] +=
            form[transposed ? e * width + c : c * width + e] * rows[k * width + e];
  return products;
}

}  // namespace otfleet::kernels
