#pragma once
#include <cstdint>

#include "kernels/paths/settings.hpp"
#include "src/data/array_source.hpp"

namespace otfleet {

/// Which points paths connect.
enum class PathPairs { one_to_one, all };

template <>
struct Choices<PathPairs> {
  static constexpr Choice<PathPairs> list[] = {{"one_to_one", PathPairs::one_to_one},
                                               {"all", PathPairs::all}};
};

/// Where minimizations of paths begin.
enum class PathInitializer { straight, model };

template <>
struct Choices<PathInitializer> {
  static constexpr Choice<PathInitializer> list[] = {{"straight", PathInitializer::straight},
                                                     {"model", PathInitializer::model}};
};

/// [path]: paths of least action, and how they are found.
struct PathOptions {
  ArraySource from, to;  ///< points [N, D]; none: samples
  PathPairs pairs = PathPairs::one_to_one;
  std::int64_t draws = 1000;  ///< of samples
  std::int64_t nodes = 30, points = 20, starts = 3, max_steps = 300, memory = 8;
  PathInitializer initializer = PathInitializer::straight;
  std::int64_t tries = 0;  ///< of a map
  double tolerance = 1e-5;
  bool save = true;

  kernels::PathSettings settings() const;
};

void add_keys(KeyList& keys, PathOptions& path);

}  // namespace otfleet
