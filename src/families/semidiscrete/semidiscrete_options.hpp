#pragma once
#include <cstdint>

#include "kernels/solvers/semidiscrete/settings.hpp"
#include "src/config/key_list.hpp"

namespace otfleet {

struct Job;

template <>
struct Choices<kernels::NoiseKind> {
  static constexpr Choice<kernels::NoiseKind> list[] = {{"gaussian", kernels::NoiseKind::gaussian},
                                                        {"uniform", kernels::NoiseKind::uniform}};
};

/// [semidiscrete]
struct SemidiscreteOptions {
  kernels::NoiseKind noise = kernels::NoiseKind::gaussian;
  double scale = 1;
  double epsilon = 0;
  std::int64_t warm_start_coordinates = 4;
  std::int64_t certificate_samples = 0;
  std::int64_t assignments = 0;
  bool store_noise = false;
};

void add_keys(KeyList& keys, SemidiscreteOptions& options);

/// What a job of this kind has by default where others differ.
void set_semidiscrete_defaults(Job& job);

}  // namespace otfleet
