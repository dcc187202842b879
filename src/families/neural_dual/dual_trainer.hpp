#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "distributed/communicator.hpp"
#include "kernels/training/loss_sums.hpp"
#include "src/families/neural_dual/neural_dual.hpp"
#include "src/families/neural_dual/potential_dual.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"
#include "src/trainers/data_parallel_trainer.hpp"

namespace otfleet {

/// What a job says about training potentials.
DualTrainerSettings dual_trainer_settings(const Job& job);

/// What solving conjugates took in training, on this rank.
struct ConjugateFigures {
  std::int64_t points = 0, steps = 0, evaluations = 0, converged = 0;
  std::int64_t left_out = 0;  ///< points without a finite minimizer: no gradient comes from them

  /// Of so many points more.
  void add(std::int64_t count, const kernels::DualLoss& loss);
};

/// Collective.
ConjugateFigures sum_over_ranks(ConjugateFigures figures,
                                const distributed::Communicator& communicator);
/// Means over points, and counts, for the report. Local.
nlohmann::json conjugates_json(const ConjugateFigures& figures);

/// Trains a potential and the predictor of its conjugate's minimizers: minimizes the dual
///   mean f(x) + mean f*(y)
/// over samples x of the potential's side and y of the other, f* by the conjugate solver from the
/// prediction on; f's gradient by its weights is that of f at x less that at the minimizers
/// (Danskin). The predictor makes its own step by its own loss, from a sample y and x̃ its
/// prediction (Amos 2022, section 3):
///   regression  mean |x̃ − x̂|², x̂ what the solver makes of it
///   objective   mean f(x̃) − <x̃, y>
///   cycle       mean |∇f(x̃) − y|² (W2GN, Korotin et al. 2019)
///   none        there is no predictor
/// With the regularizer, pairs (x, y) are met in another order on every step.
/// All of it in the model's standard coordinates, as are the conjugates' tolerance and the figures.
/// A step's loss is the dual, without the regularizer, its first error the mean residual |∇f(x̃) −
/// y| of the predictions. A potential that is unbounded below for most samples has no dual value to
/// train on.
class DualTrainer final : public DataParallelTrainer {
 public:
  /// Keeps references to the samplers and `model`, whose side says of which x are. Collective.
  DualTrainer(const DualTrainerSettings& settings, const distributed::Communicator& communicator,
              const Sampler& source, const Sampler& target, NeuralDual& model);

  void step(double rate) override;

  /// Since construction. Collective: sums over the ranks.
  ConjugateFigures conjugate_figures() const;

 private:
  /// Barriers of the cost as strong as they are at this step.
  void anneal();
  void draw();
  /// This rank's parts of the loss, the residuals, and how many samples were left out.
  std::array<double, 3> solve();

  DualTrainerSettings settings_;
  distributed::Communicator communicator_;
  const Sampler &x_sampler_, &y_sampler_;
  NeuralDual& model_;
  ConjugateFigures figures_;
  std::int64_t first_ = 0, count_ = 0;  ///< this rank's part of a batch
  std::vector<double> drawn_;
  kernels::Network<float> potential_;
  PotentialDual dual_;
  HostValues<float> x_host_, y_host_;
  DeviceArray<float, 2> y_, prediction_, slope_;
  DeviceArray<float, 2> paths_, path_slope_;  ///< of the prediction, where paths are predicted
};

}  // namespace otfleet
