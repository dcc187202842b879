#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/networks/activation_kind.hpp"
#include "src/config/key_list.hpp"

namespace otfleet {

struct Job;

template <>
struct Choices<kernels::Activation> {
  static constexpr Choice<kernels::Activation> list[] = {
      {"relu", kernels::Activation::relu},
      {"leaky_relu", kernels::Activation::leaky_relu},
      {"elu", kernels::Activation::elu},
      {"softplus", kernels::Activation::softplus},
      {"silu", kernels::Activation::silu}};
};

/// On whose points a potential is a function; the other side's potential is its conjugate.
enum class PotentialSide {
  source,  ///< its gradient maps forward, its conjugate's minimizers backward
  target,  ///< the other way round: the map forward can jump, as minimizers can
};

template <>
struct Choices<PotentialSide> {
  static constexpr Choice<PotentialSide> list[] = {{"source", PotentialSide::source},
                                                   {"target", PotentialSide::target}};
};

/// How the potentials of conditional maps depend on what describes a problem.
enum class Conditioning {
  partial,    ///< a code of it scales what layers see and moves what they give
  generated,  ///< a linear layer of the code gives all weights
  none,       ///< not at all
};

template <>
struct Choices<Conditioning> {
  static constexpr Choice<Conditioning> list[] = {{"partial", Conditioning::partial},
                                                  {"generated", Conditioning::generated},
                                                  {"none", Conditioning::none}};
};

/// What a model of conditional maps sees of a problem.
enum class ContextKind { given, moments, samples, coupled, images };

/// Whether that is samples of the measures.
constexpr bool sees_samples(ContextKind kind) {
  return kind == ContextKind::samples || kind == ContextKind::coupled;
}

template <>
struct Choices<ContextKind> {
  static constexpr Choice<ContextKind> list[] = {{"given", ContextKind::given},
                                                 {"moments", ContextKind::moments},
                                                 {"samples", ContextKind::samples},
                                                 {"coupled", ContextKind::coupled},
                                                 {"images", ContextKind::images}};
};

/// The map of a problem where nothing is learned yet.
enum class MapStart { identity, gaussian };

template <>
struct Choices<MapStart> {
  static constexpr Choice<MapStart> list[] = {{"identity", MapStart::identity},
                                              {"gaussian", MapStart::gaussian}};
};

/// model.predictor of a job whose conjugates start at y itself.
inline constexpr const char* no_predictor = "none";

/// [model]
struct ModelOptions {
  std::string architecture = "pair_product";  // see architecture_names(); mlp for potentials
  std::vector<std::int64_t> hidden = {512};
  std::int64_t embedding = 256;            // pair_encoder and pair_product
  std::vector<std::int64_t> head = {512};  // pair_encoder only
  std::int64_t output_rank = 0;            // pair_encoder only; 0: full
  std::int64_t pooling = 1;                // both, on grids; 1: none
  std::int64_t output_pooling = 1;         // pair_product only, on grids; 1: none
  std::int64_t nodes = 0;                  // clouds only, along every axis; 0: see --keys
  // Potentials only:
  kernels::Activation activation = kernels::Activation::elu;
  std::int64_t quadratic_rank = 1;  // icnn: of every hidden unit's quadratic; 0: none
  std::string predictor = "mlp";    // of the conjugate's minimizer: see predictor_names()
  std::vector<std::int64_t> predictor_hidden = {128, 128};
  PotentialSide side = PotentialSide::source;  // neural_dual only
  // Conditional maps only:
  Conditioning conditioning = Conditioning::partial;
  ContextKind context = ContextKind::given;
  std::vector<std::int64_t> context_hidden = {64, 64};
  std::int64_t context_points = 256;  // samples: of either measure
  std::int64_t image_channels = 64;   // images: of the encoder's first stage
  MapStart start = MapStart::identity;

  bool has_predictor() const { return predictor != no_predictor; }
};

void add_keys(KeyList& keys, ModelOptions& model);

/// What is wrong with the section in the whole job, or empty. Local.
std::string model_complaint(const Job& job);

}  // namespace otfleet
