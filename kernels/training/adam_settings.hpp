#pragma once
namespace otfleet::kernels {

struct AdamSettings {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< times the learning rate, off every parameter in a step
};

}  // namespace otfleet::kernels
