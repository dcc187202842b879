#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "src/families/conditional_map/cloud_sampler.hpp"
#include "src/families/conditional_map/conditional_model.hpp"
#include "src/families/conditional_map/turn.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// Mean [D] and covariance [D, D] of a weighted cloud.
struct CloudMoments {
  std::vector<double> mean, covariance;
};

/// Of a measure of the table, its points in standard coordinates. Local.
CloudMoments moments_of(const CloudTable& table, std::int64_t measure, std::int64_t dimension,
                        const StandardCoordinates& coordinates);

/// The mean of |x − y|² over all pairs of points of clouds with these moments.
double mean_cost_between(const CloudMoments& source, const CloudMoments& target);

/// Numbers of the start of a problem in D dimensions.
constexpr std::int64_t start_numbers(std::int64_t dimension) {
  return 2 * dimension * (dimension + 1);
}

/// T(x) = A x + b.
struct AffineMap {
  std::vector<double> slope, offset;  ///< A [D, D], b [D]
};

/// T of all points [n, D]. Local.
std::vector<double> affine_images(const AffineMap& map, std::span<const double> points);

/// The map between Gaussians with these moments (Peyré & Cuturi 2019, remark 2.31),
///   A = S₁^(-½) (S₁^½ S₂ S₁^½)^½ S₁^(-½), b = m₂ − A m₁.
/// Directions in which the source is flat go to the mean. Work: of order D³.
AffineMap gaussian_map(const CloudMoments& source, const CloudMoments& target);

/// The same as a network begins with it, and its inverse: A^½ [D, D], b [D], A⁻¹ [D, D], −A⁻¹ b
/// [D]. A is larger by a hundredth of the identity: where a cloud is flat, or a point, its
/// potential would else have no conjugate.
std::vector<float> gaussian_start(const CloudMoments& source, const CloudMoments& target);

/// What a model sees of the problems of a population. Keeps references to both. Local; one thread
/// at a time.
class ProblemContexts {
 public:
  ProblemContexts(const CloudPopulation& population, const ConditionalDescription& description)
      : population_(population), description_(description), sampler_(population, 0) {}

  /// Some problems, each turned by its own of `turns`, or as they are where there are none. `draw`:
  /// which samples are drawn of measures, where the model sees samples.
  SeenProblems of(std::span<const std::int32_t> problems, std::span<const Turn> turns = {},
                  std::int64_t draw = 0);

 private:
  const CloudMoments& moments(bool source, std::int32_t measure);
  std::vector<float> context_of(std::int32_t problem, const Turn* turn, std::int64_t draw);
  std::vector<float> samples_of(std::int32_t problem, const Turn* turn, std::int64_t draw) const;
  /// Of all problems, from their samples and starts: rows (x, what the map adds to the start's
  /// image) of both sides.
  std::vector<float> coupled(const std::vector<float>& samples, const std::vector<float>& starts,
                             std::size_t problems) const;
  std::vector<float> images_of(std::int32_t problem, const Turn* turn) const;
  std::vector<float> start_of(std::int32_t problem, const Turn* turn);

  const CloudPopulation& population_;
  const ConditionalDescription& description_;
  CloudSampler sampler_;
  std::map<std::int32_t, CloudMoments> source_moments_, target_moments_;  ///< by measure
  std::map<std::int32_t, std::vector<float>> starts_;                     ///< by problem
};

/// Pooled over the measures of all problems: their mean, and the root of their mean variance.
/// Local.
Standardization pooled_coordinates(const CloudPopulation& population);

/// What a job's model is on a population to train on. Local. Throws UserError: the population has
/// no contexts and the job asks for them.
ConditionalDescription describe_conditional(const Job& job, const CloudPopulation& population);

/// Throws UserError that begins with `name` unless the population's cost is squared Euclidean.
void require_squared_costs(const CloudPopulation& population, const std::string& name);

/// Unless a model can take the population. Throws UserError that begins with `name`.
void require_fitting(const ConditionalDescription& description, const CloudPopulation& population,
                     const std::string& name);

}  // namespace otfleet
