#include <tuple>

#include "src/networks/architectures/list.hpp"
#include "src/networks/make_network.hpp"

namespace otfleet {
namespace {

/// Calls body(architecture) for the one of that name.
template <class Body>
void with_architecture(const std::string& name, const Body& body) {
  const bool found = std::apply(
      [&](auto... architecture) {
        return ((name == decltype(architecture)::name && (body(architecture), true)) || ...);
      },
      Architectures());
  if (!found) throw std::logic_error("no architecture is called '" + name + "'");
}

[[noreturn]] void fail(const std::string& name) {
  throw std::logic_error("architecture '" + name + "' is for other networks");
}

}  // namespace

std::int64_t pooling_of(const ModelOptions& model) {
  std::int64_t pooling = 1;
  with_architecture(model.architecture, [&]<class One>(One) {
    if constexpr (One::uses.pairs) pooling = One::pooling(model);
  });
  return pooling;
}

std::int64_t output_pooling_of(const ModelOptions& model) {
  std::int64_t pooling = 1;
  with_architecture(model.architecture, [&]<class One>(One) {
    if constexpr (One::uses.pairs) pooling = One::output_pooling(model);
  });
  return pooling;
}

std::unique_ptr<PairNetwork> make_pair_network(const ModelDescription& description,
                                               const PairShape& shape) {
  std::unique_ptr<PairNetwork> network;
  with_architecture(description.architecture.architecture, [&]<class One>(One) {
    if constexpr (One::uses.pairs)
      network = One::make_pairs(description, shape);
    else
      fail(One::name);
  });
  return network;
}

Chain make_potential(const ModelOptions& model, std::int64_t dimension) {
  Chain network;
  with_architecture(model.architecture, [&]<class One>(One) {
    if constexpr (One::uses.potentials)
      network = One::make_potential(model, dimension);
    else
      fail(One::name);
  });
  return network;
}

Chain make_predictor(const ModelOptions& model, std::int64_t dimension, std::int64_t outputs) {
  Chain network;
  with_architecture(model.predictor, [&]<class One>(One) {
    if constexpr (One::uses.predictors)
      network = One::make_predictor(model, dimension, outputs);
    else
      fail(One::name);
  });
  return network;
}

}  // namespace otfleet
