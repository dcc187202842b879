#pragma once
#include <cstdint>

#include "src/config/key_list.hpp"

namespace otfleet {

/// What finds minimizers of f(x) − <x, y>; none: they are what the predictor says.
enum class ConjugateMethod { lbfgs, adam, none };

template <>
struct Choices<ConjugateMethod> {
  static constexpr Choice<ConjugateMethod> list[] = {{"lbfgs", ConjugateMethod::lbfgs},
                                                     {"adam", ConjugateMethod::adam},
                                                     {"none", ConjugateMethod::none}};
};

/// Of L-BFGS.
enum class LineSearch { armijo, wolfe };

template <>
struct Choices<LineSearch> {
  static constexpr Choice<LineSearch> list[] = {{"armijo", LineSearch::armijo},
                                                {"wolfe", LineSearch::wolfe}};
};

/// Of solve and evaluate; mixed is float first (L-BFGS), double in the end.
enum class ConjugatePrecision { mixed, in_double, in_float };

template <>
struct Choices<ConjugatePrecision> {
  static constexpr Choice<ConjugatePrecision> list[] = {{"mixed", ConjugatePrecision::mixed},
                                                        {"double", ConjugatePrecision::in_double},
                                                        {"float", ConjugatePrecision::in_float}};
};

/// [conjugate]: minimizers of f(x) − <x, y>, problem = "neural_dual".
struct ConjugateOptions {
  ConjugateMethod solver = ConjugateMethod::lbfgs;
  double tolerance = 1e-3;       // of |∇f(x) − y|, in solve and evaluate
  std::int64_t max_steps = 100;  // of each point
  std::int64_t memory = 10;      // lbfgs
  LineSearch line_search = LineSearch::armijo;
  double learning_rate = 0.1;  // adam
  ConjugatePrecision precision = ConjugatePrecision::mixed;
};

void add_keys(KeyList& keys, ConjugateOptions& conjugate);

}  // namespace otfleet
