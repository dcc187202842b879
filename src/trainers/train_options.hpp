#pragma once
#include <cstdint>
#include <string>

#include "src/config/key_list.hpp"

namespace otfleet {

struct Job;

/// What training minimizes, or, for potentials, what the predictor of minimizers learns from; see
/// MetaTrainer and DualTrainer.
enum class TrainingLoss { regression, objective, cycle, none };

template <>
struct Choices<TrainingLoss> {
  static constexpr Choice<TrainingLoss> list[] = {{"regression", TrainingLoss::regression},
                                                  {"objective", TrainingLoss::objective},
                                                  {"cycle", TrainingLoss::cycle},
                                                  {"none", TrainingLoss::none}};
};

/// What is added to the dual loss of potentials.
enum class Regularizer { none, expectile };

template <>
struct Choices<Regularizer> {
  static constexpr Choice<Regularizer> list[] = {{"none", Regularizer::none},
                                                 {"expectile", Regularizer::expectile}};
};

/// How flow matching pairs samples of the two sides.
enum class Coupling { entropic, exact, independent };

template <>
struct Choices<Coupling> {
  static constexpr Choice<Coupling> list[] = {{"entropic", Coupling::entropic},
                                              {"exact", Coupling::exact},
                                              {"independent", Coupling::independent}};
};

/// What turns gradients into steps; see trainers/optimizers/.
enum class OptimizerMethod { adam, soap };

template <>
struct Choices<OptimizerMethod> {
  static constexpr Choice<OptimizerMethod> list[] = {{"adam", OptimizerMethod::adam},
                                                     {"soap", OptimizerMethod::soap}};
};

/// How the learning rate falls in the course of a training.
enum class Schedule { cosine, constant };

template <>
struct Choices<Schedule> {
  static constexpr Choice<Schedule> list[] = {{"cosine", Schedule::cosine},
                                              {"constant", Schedule::constant}};
};

/// What the learning rate is multiplied with after a share `progress` of the run.
double rate_at(Schedule schedule, double progress);

/// [train]
struct TrainOptions {
  std::int64_t steps = 50000;
  double minutes = 0;                            // stop after this much wall time; 0: no limit
  std::int64_t batch = 128;                      // problems per step over all ranks together
  std::int64_t points = 256;                     // conditional maps: samples of either side of one
  TrainingLoss loss = TrainingLoss::regression;  // cycle, none: potentials only
  double target_threshold = 1e-3;                // regression: L1 marginal error of what is
                                                 // regressed onto
  double conjugate_tolerance = 0.03;             // potentials: conjugate.tolerance while training
  std::int64_t anneal_steps = 2000;              // the same, over which barriers grow
  Regularizer regularizer = Regularizer::none;   // potentials
  double expectile = 0.9, regularizer_weight = 0.3;
  Coupling coupling = Coupling::entropic;  // velocities
  double coupling_epsilon = 0.05;          // times the mean cost
  OptimizerMethod optimizer = OptimizerMethod::adam;
  double learning_rate = 1e-3;
  Schedule schedule = Schedule::cosine;
  double clip = 1.0;  // global gradient norm; 0: none
  double beta1 = 0.9, beta2 = 0.999, weight_decay = 0;
  std::int64_t log_every = 100;
  std::int64_t bucket_bytes = 262144;  // of gradients averaged together; 0: all
  bool augment = true;                 // move grid measures by a few points at random
  double checkpoint_seconds = 60;      // between two saves of an unfinished run
  std::int64_t keep_checkpoints = 3;
};

void add_keys(KeyList& keys, TrainOptions& train);

}  // namespace otfleet
