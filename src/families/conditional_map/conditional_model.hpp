#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "src/families/neural_dual/point_mapper.hpp"
#include "src/families/neural_dual/standardization.hpp"
#include "src/job.hpp"
#include "src/models/trained_model.hpp"

namespace otfleet {

/// What a model of conditional maps was made for; a checkpoint carries it.
struct ConditionalDescription {
  ModelOptions architecture;
  std::int64_t dimension = 0;
  std::int64_t context = 0;  ///< numbers that the network sees of a problem
  /// Contexts that are given become (c − mean)/deviation, those of moments stay.
  std::vector<double> context_mean, context_deviation;
  /// The networks' points are in these coordinates; callers see to that.
  Standardization standardization{};
};

/// What a network sees of some problems: contexts [G, description.context], and starts [G,
/// start_numbers(D)], empty where the model begins at the identity.
struct SeenProblems {
  DeviceArray<const float, 2> contexts, starts;
};

/// The map of one problem by a trained model. Points are in user's coordinates, [B, D] row-major.
/// Local; one thread at a time.
class ProblemMap {
 public:
  virtual ~ProblemMap() = default;
  /// `certify`: false leaves residual, round_trip and iterations empty.
  virtual MappedPoints forward(std::span<const double> points, bool certify = true) = 0;
  virtual MappedPoints backward(std::span<const double> points) = 0;
};

/// A model of the maps of many problems.
class ConditionalModel : public TrainedModel {
 public:
  explicit ConditionalModel(ConditionalDescription description)
      : description_(std::move(description)) {}

  const ConditionalDescription& description() const { return description_; }
  void write_description(distributed::Hdf5File& file) const override;

  /// Whether maps are gradients: MappedPoints::value then means something.
  virtual bool has_potentials() const = 0;

  /// The map of one problem. Keeps a reference to the model, with the weights that it has now.
  /// `job` says how conjugates are solved, or paths are integrated. Local.
  virtual std::unique_ptr<ProblemMap> map_of(const SeenProblems& one, const Job& job) = 0;

 private:
  ConditionalDescription description_;
};

/// Of the architecture that the description names, with fresh weights, the same on every rank for
/// the same seed. Local. Throws UserError as network_library() does.
std::unique_ptr<ConditionalModel> make_conditional_model(const ConditionalDescription& description,
                                                         std::int64_t seed);

}  // namespace otfleet
