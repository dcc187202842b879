#pragma once
#include <cstdint>
#include <string>

#include "src/config/key_list.hpp"

namespace otfleet {

/// Of Sinkhorn's iteration.
enum class Acceleration { momentum, none };

template <>
struct Choices<Acceleration> {
  static constexpr Choice<Acceleration> list[] = {{"momentum", Acceleration::momentum},
                                                  {"none", Acceleration::none}};
};

/// Of a solver's arithmetic; certificates are always in double.
enum class Precision { in_double, in_float };

template <>
struct Choices<Precision> {
  static constexpr Choice<Precision> list[] = {{"double", Precision::in_double},
                                               {"float", Precision::in_float}};
};

/// What each rank gets: problems, or rows of every problem. by_work: whichever is predicted to be
/// quicker.
enum class Sharding { by_work, problems, rows };

template <>
struct Choices<Sharding> {
  static constexpr Choice<Sharding> list[] = {
      {"auto", Sharding::by_work}, {"problems", Sharding::problems}, {"rows", Sharding::rows}};
};

/// [solver], of problems in populations.
struct SolverOptions {
  std::string method = "auto";  // see method_names()
  double threshold = 1e-3;      // L1 marginal error, a share of the mass
  std::int64_t inner_iterations = 1;
  std::int64_t max_iterations = 2000;
  Acceleration acceleration = Acceleration::momentum;
  std::string initializer = "zeros";        // see initializers()
  std::string first_initializer = "zeros";  // of the first problem of a sequence
  double doubtful_error = 0.25;             // share of the mass: a prediction with a larger first
                                            // error is compared with zeros
  Precision precision = Precision::in_double;
  bool normalize = false;              // scale every measure to mass 1 before anything else
  Sharding shard = Sharding::by_work;  // rows: of points only
  double checkpoint_seconds = 60;      // between two saves of an unfinished solve
  double memory_mib = 512;  // that iterations of a large problem on points may keep things in
};

void add_keys(KeyList& keys, SolverOptions& solver);

}  // namespace otfleet
