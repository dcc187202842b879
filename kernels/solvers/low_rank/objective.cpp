#include "kernels/solvers/low_rank/objective.hpp"

#include <algorithm>

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

std::vector<double> coupling_of(const std::vector<double>& from, const std::vector<double>& to) {
  const std::size_t r = from.size();
  std::vector<double> coupling(r * r, 0.0), lacking(r);
  double left = 0;
  for (std::size_t k = 0; k < r; ++k) {
    coupling[k * r + k] = std::min(from[k], to[k]);
    lacking[k] = std::max(to[k] - from[k], 0.0);
    left += lacking[k];
  }
  if (left > 0)
    for (std::size_t k = 0; k < r; ++k)
      for (std::size_t l = 0; l < r; ++l)
        coupling[k * r + l] += std::max(from[k] - to[k], 0.0) * (lacking[l] / left);
  return coupling;
}

std::vector<double> cross_moments(const std::vector<double>& coupling,
                                  const std::vector<double>& from, const std::vector<double>& to,
                                  std::size_t width) {
  const std::size_t r = from.size() / width;
  const bool diagonal = coupling.size() == r;
  std::vector<double> moments(width * width, 0.0), images(width);
  for (std::size_t k = 0; k < r; ++k) {
    std::fill(images.begin(), images.end(), 0.0);  // sum_l coupling_kl to_l
    for (std::size_t l = diagonal ? k : 0; l < (diagonal ? k + 1 : r); ++l) {
      const double mass = coupling[diagonal ? k : k * r + l];
      for (std::size_t e = 0; e < width; ++e) images[e] += mass * to[l * width + e];
    }
    for (std::size_t c = 0; c < width; ++c)
      for (std::size_t e = 0; e < width; ++e)
        moments[c * width + e] += from[k * width + c] * images[e];
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
