#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/data/array_source.hpp"

namespace otfleet {

struct Job;

/// Where the weights of a side come from: data, or drawn at random.
enum class WeightsKind { data, uniform, sparse_uniform, equal };

template <>
struct Choices<WeightsKind> {
  static constexpr Choice<WeightsKind> list[] = {{"data", WeightsKind::data},
                                                 {"uniform", WeightsKind::uniform},
                                                 {"sparse_uniform", WeightsKind::sparse_uniform},
                                                 {"equal", WeightsKind::equal}};
};

/// Which measures are paired, where no file says so.
enum class PairKind { random, one_to_one, one_to_all, all_pairs, each };

template <>
struct Choices<PairKind> {
  static constexpr Choice<PairKind> list[] = {{"random", PairKind::random},
                                              {"one_to_one", PairKind::one_to_one},
                                              {"one_to_all", PairKind::one_to_all},
                                              {"all", PairKind::all_pairs},
                                              {"each", PairKind::each},
                                              {"all_pairs", PairKind::all_pairs, true}};
};

/// [make]
struct MakeOptions {
  std::int64_t train_problems = 500000;
  std::int64_t test_problems = 1000;
  WeightsKind source_weights = WeightsKind::data;
  WeightsKind target_weights = WeightsKind::data;
  std::int64_t train_measures = 1000, test_measures = 1000;  // of random weights, on each side
  std::vector<std::int64_t> grid;  // lengths of the axes, when no data gives them
  struct Pairs : ArraySource {     // [P, 2], instead of a kind
    PairKind kind = PairKind::random;
    std::int64_t one = 0;  // one_to_all: the source
  } pairs;
  std::int64_t sequence_length = 0;  // problems of a sequence; 0: they form none
  bool repeat_pairs = false;         // random pairs may come twice
  struct Drifting {                  // clouds that move, instead of data
    std::int64_t points = 0;         // of a cloud; 0: none
    std::int64_t dimension = 3;
    double step = 0.01;  // sides of the unit cube
  } drifting;
  std::int64_t pixels = 0;  // of each image of colors, which is a cloud; 0: data are no such images
  std::int64_t crops = 0;   // of each image to train on, clouds of their own
  std::int64_t thumbnails = 0;  // pixels along a side of small copies of images; 0: none
  bool stretch = false;         // every axis of a grid spans [0, 1]; else the longest

  /// Are the clouds drawn, not read?
  bool drifts() const { return drifting.points > 0; }
  /// Are the data images, whose colors are the points?
  bool takes_pixels() const { return pixels > 0; }
  /// Of `problems`; 0: they form none. Clouds that drift are one sequence unless told otherwise.
  std::int64_t length_of_sequences(std::int64_t problems) const {
    return drifts() && sequence_length == 0 ? problems : sequence_length;
  }
};

void add_keys(KeyList& keys, MakeOptions& make);

/// What is wrong with the section in the whole job, or empty. Local.
std::string make_complaint(const Job& job);

}  // namespace otfleet
