#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tests/kernels/cloud_measures.hpp"

// Clouds that cells are made for, and those that no grid of cells would survive.

namespace otfleet::kernels::test {

struct NamedMeasure {
  std::string name;
  HostMeasure measure;
};

inline HostMeasure drawn_measure(Random& random, int count, int d,
                                 const std::function<void(Random&, Row&)>& place,
                                 double zero_share = 0) {
  HostMeasure measure;
  for (int i = 0; i < count; ++i) {
    Row x = random.uniform_row(d, 0, 1);
    place(random, x);
    measure.points.push_back(x);
  }
  measure.weights = random.weights(count, zero_share);
  return measure;
}

/// Of `count` points in d coordinates, most of them of size 1.
inline std::vector<NamedMeasure> adversarial_measures(Random& random, int count, int d) {
  const auto draw = [&](const std::function<void(Random&, Row&)>& place, double zero_share = 0) {
    return drawn_measure(random, count, d, place, zero_share);
  };
  std::vector<NamedMeasure> all;
  all.push_back({"uniform", draw([](Random&, Row&) {})});
  all.push_back({"equal points", draw([](Random&, Row& x) { x.assign(x.size(), 0.5); })});
  all.push_back({"a line", draw([](Random&, Row& x) { x.assign(x.size(), x[0]); })});
  all.push_back({"two far clusters", draw([](Random& r, Row& x) {
                   for (double& c : x) c *= 0.1;
                   if (r.uniform() < 0.5) x[0] += 3;
                 })});
  all.push_back({"nine tenths in a hundredth", draw([d](Random& r, Row& x) {
                   if (r.uniform() < 0.9)
                     for (double& c : x) c *= std::pow(0.01, 1.0 / d);
                 })});
  all.push_back({"zero weights", draw([](Random&, Row&) {}, 0.4)});
  auto tiny = draw([](Random&, Row&) {});
  for (std::size_t i = 0; i < tiny.weights.size(); i += 3) tiny.weights[i] *= 1e-12;
  all.push_back({"tiny weights", tiny});
  return all;
}

}  // namespace otfleet::kernels::test
