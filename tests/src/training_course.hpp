#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "distributed/communicator.hpp"
#include "src/models/trained_model.hpp"
#include "src/trainers/trainer.hpp"

namespace otfleet::testing {

/// The figures of every step of a training, and the weights it ended with.
struct Course {
  std::vector<StepFigures> figures;
  std::vector<float> weights;
};

/// Collective.
inline Course course_of(Trainer& trainer, TrainedModel& model, int steps) {
  Course course;
  for (int step = 0; step < steps; ++step) {
    trainer.step(1.0);
    course.figures.push_back(trainer.figures());
  }
  course.weights = model.parameters().download();
  return course;
}

/// Collective.
inline void expect_same_on_all_ranks(const distributed::Communicator& world,
                                     const std::vector<float>& weights) {
  std::vector<float> low = weights, high = weights;
  world.all_reduce(std::span<float>(low), distributed::Reduction::min);
  world.all_reduce(std::span<float>(high), distributed::Reduction::max);
  EXPECT_EQ(low, high);
}

}  // namespace otfleet::testing
