#include "src/families/neural_dual/point_mapper.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "src/families/neural_dual/conjugate_solver.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"
#include "src/runs/append.hpp"

namespace otfleet {
namespace {

/// As many points at a time as keep a network's layers in the caches.
constexpr std::size_t block_points = 1024;

template <class Scalar>
DeviceArray<Scalar, 2> points_array(const char* label, std::size_t dimension) {
  return DeviceArray<Scalar, 2>(std::string("otfleet::solver::") + label, block_points, dimension);
}

/// Row-major doubles into an array of another type.
template <class Scalar>
void upload(std::span<const double> from, const DeviceArray<Scalar, 2>& to) {
  const auto host = to.mirror();
  std::transform(from.begin(), from.end(), host.begin(),
                 [](double value) { return static_cast<Scalar>(value); });
  to.upload(host);
}

template <class Value>
void append_all(std::vector<Value>& to, const std::vector<Value>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

void MappedPoints::append(const MappedPoints& more) {
  append_all(image, more.image);
  append_all(value, more.value);
  append_all(residual, more.residual);
  append_all(round_trip, more.round_trip);
  append_all(iterations, more.iterations);
  append_all(status, more.status);
  append_all(end, more.end);
  append_all(bow, more.bow);
  append_all(path, more.path);
}

/// One block at a time in one precision.
template <class Scalar>
class PointMapper::Blocks {
 public:
  Blocks(TransportPotential& model, const ConjugateOptions& settings,
         const std::optional<kernels::LeastActionCost>& cost)
      : model_(model),
        dimension_(static_cast<std::size_t>(model.dimension())),
        oracle_(model.potential<Scalar>(),
                static_cast<int>(block_points) * (cost ? cost->path.starts : 1)),
        solver_(make_conjugate_minimizer<Scalar>(settings, block_points,
                                                 static_cast<int>(dimension_), cost)),
        y_(points_array<Scalar>("y", dimension_)),
        x_(points_array<Scalar>("x", dimension_)),
        y_in_float_(points_array<float>("y_in_float", dimension_)),
        prediction_(points_array<float>("prediction", dimension_)),
        value_("otfleet::solver::value", block_points),
        bends_(cost.has_value()) {
    if (cost && cost->predicts && model.path_numbers() > 0) {
      const auto numbers = static_cast<std::size_t>(model.path_numbers());
      paths_ = points_array<Scalar>("paths", numbers);
      predicted_paths_ = points_array<float>("predicted_paths", numbers);
    }
    if (cost && cost->tries > 0 && !model.ends().empty()) {
      const auto known = model.ends();
      const auto ends =
          known.first(std::min(known.size(), static_cast<std::size_t>(cost->tries) * dimension_));
      const DeviceArray<Scalar, 2> tried("otfleet::solver::ends", ends.size() / dimension_,
                                         dimension_);
      upload(ends, tried);
      solver_.try_ends(tried);
    }
    if constexpr (std::is_same_v<Scalar, double>)
      if (!cost && settings.precision == ConjugatePrecision::mixed &&
          settings.solver == ConjugateMethod::lbfgs &&
          settings.tolerance >= kernels::least_rough_tolerance)
        mixed_.emplace(model, settings);
  }

  std::size_t dimension() const { return dimension_; }

  MappedPoints along_gradient(std::span<const double> points, bool certify) {
    const std::size_t rows = points.size() / dimension_;
    const auto x = x_.rows(0, rows), y = y_.rows(0, rows);
    upload(points, x);
    oracle_.evaluate(x, value_, y);
    MappedPoints result;
    append(result.image, y);
    append(result.value, value_.rows(0, rows));
    for (std::size_t k = 0; k < rows; ++k) {
      bool finite = std::isfinite(result.value[k]);
      for (std::size_t i = 0; i < dimension_; ++i)
        finite = finite && std::isfinite(result.image[k * dimension_ + i]);
      result.status.push_back(static_cast<int>(finite ? kernels::ConjugateStatus::converged
                                                      : kernels::ConjugateStatus::not_finite));
    }
    if (!certify) return result;
    MappedPoints back = to_minimizers(result.image, ConjugateStart::prediction);
    result.residual = std::move(back.residual);
    result.iterations = std::move(back.iterations);
    result.status = std::move(back.status);
    result.round_trip = row_distances(back.image, points, static_cast<std::int64_t>(dimension_));
    return result;
  }

  MappedPoints to_minimizers(std::span<const double> points, ConjugateStart start) {
    const std::size_t rows = points.size() / dimension_;
    const auto x = x_.rows(0, rows), y = y_.rows(0, rows);
    upload(points, y);
    DeviceArray<Scalar, 2> paths;
    if (start == ConjugateStart::prediction) {
      upload(std::span<const double>(predicted(points).image), x);
      if (!paths_.empty()) {
        paths = paths_.rows(0, rows);
        const auto numbers = predicted_paths_.rows(0, rows).download();
        upload(std::vector<double>(numbers.begin(), numbers.end()), paths);
      }
    } else {
      x.copy_from(y);
    }
    const kernels::ConjugateResult<Scalar> found(rows);
    if constexpr (std::is_same_v<Scalar, double>) {
      if (mixed_)
        mixed_->solver.minimize(mixed_->rough, oracle_, y, x, found);
      else
        solver_.minimize(oracle_, y, x, found, paths);
    } else {
      solver_.minimize(oracle_, y, x, found, paths);
    }
    MappedPoints result;
    append(result.image, x);
    append(result.value, found.value);
    for (double& value : result.value) value = -value;
    append(result.residual, found.residual);
    append(result.iterations, found.steps);
    append(result.status, found.status);
    if (bends_) {
      append(result.end, found.end);
      append(result.bow, found.bow);
      append(result.path, paths);
    }
    result.round_trip = result.residual;
    return result;
  }

  MappedPoints predicted(std::span<const double> points) {
    const std::size_t rows = points.size() / dimension_;
    const auto y = y_in_float_.rows(0, rows), x = prediction_.rows(0, rows);
    upload(points, y);
    model_.predict_minimizers(
        y, x, predicted_paths_.empty() ? predicted_paths_ : predicted_paths_.rows(0, rows));
    MappedPoints result;
    append(result.image, x);
    return result;
  }

 private:
  /// Float first, double in the end.
  struct Mixed {
    kernels::Network<float> rough;
    kernels::MixedConjugateMinimizer solver;

    Mixed(TransportPotential& model, const ConjugateOptions& settings)
        : rough(model.potential<float>(), block_points),
          solver(lbfgs_settings(settings), block_points, static_cast<int>(model.dimension())) {}
  };

  TransportPotential& model_;
  std::size_t dimension_;
  std::optional<Mixed> mixed_;
  kernels::Network<Scalar> oracle_;
  kernels::ConjugateMinimizer<Scalar> solver_;
  DeviceArray<Scalar, 2> y_, x_;
  DeviceArray<float, 2> y_in_float_, prediction_;
  DeviceArray<Scalar, 2> paths_;           ///< [block, numbers], where they are predicted
  DeviceArray<float, 2> predicted_paths_;  ///< the same
  DeviceArray<Scalar> value_;
  bool bends_;  ///< the cost is a least action
};

struct PointMapper::State {
  std::variant<Blocks<double>, Blocks<float>> blocks;
  StandardCoordinates x, y;
  MapDirection gradient_direction;

  /// body(blocks, points) for one block after the other: from and to user's coordinates.
  template <class Body>
  MappedPoints for_each(std::span<const double> points, const StandardCoordinates& from,
                        const StandardCoordinates& to, const Body& body) {
    std::vector<double> standard_points(points.begin(), points.end());
    from.apply(standard_points);
    const std::span<const double> all = standard_points;
    MappedPoints result = std::visit(
        [&](auto& one) {
          MappedPoints parts;
          const std::size_t length = block_points * one.dimension();
          for (std::size_t begin = 0; begin < all.size(); begin += length)
            parts.append(body(one, all.subspan(begin, std::min(length, all.size() - begin))));
          return parts;
        },
        blocks);
    to.undo(result.image);
    return result;
  }

  /// values += <mean, points − offset>, after they were scaled to the user's units.
  void finish_values(std::span<const double> points, const std::vector<double>& mean,
                     const std::vector<double>& offset, std::vector<double>& values) const {
    const double scale = x.scale * y.scale;
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] *= scale;
      for (std::size_t i = 0; i < mean.size(); ++i)
        values[k] += mean[i] * (points[k * mean.size() + i] - (offset.empty() ? 0 : offset[i]));
    }
  }
};

PointMapper::PointMapper(TransportPotential& model, const ConjugateOptions& settings,
                         const std::optional<kernels::LeastActionCost>& cost) {
  const StandardCoordinates &x = model.x_coordinates(), &y = model.y_coordinates();
  const MapDirection direction = model.gradient_direction();
  ConjugateOptions own = settings;
  own.tolerance /= y.scale;
  if (settings.precision == ConjugatePrecision::in_float)
    state_ = std::make_unique<State>(State{Blocks<float>(model, own, cost), x, y, direction});
  else
    state_ = std::make_unique<State>(State{Blocks<double>(model, own, cost), x, y, direction});
}

PointMapper::PointMapper(PointMapper&&) noexcept = default;
PointMapper::~PointMapper() = default;

MappedPoints PointMapper::map(std::span<const double> points, MapDirection direction,
                              bool certify) {
  return direction == state_->gradient_direction ? along_gradient(points, certify)
                                                 : to_minimizers(points);
}

MappedPoints PointMapper::along_gradient(std::span<const double> points, bool certify) {
  const auto &x = state_->x, &y = state_->y;
  MappedPoints result = state_->for_each(
      points, x, y, [&](auto& blocks, auto some) { return blocks.along_gradient(some, certify); });
  state_->finish_values(points, y.mean, {}, result.value);
  for (double& residual : result.residual) residual *= y.scale;
  for (double& distance : result.round_trip) distance *= x.scale;
  return result;
}

MappedPoints PointMapper::to_minimizers(std::span<const double> points, ConjugateStart start) {
  const auto &x = state_->x, &y = state_->y;
  MappedPoints result = state_->for_each(
      points, y, x, [&](auto& blocks, auto some) { return blocks.to_minimizers(some, start); });
  state_->finish_values(points, x.mean, y.mean, result.value);
  for (double& residual : result.residual) residual *= y.scale;
  for (double& distance : result.round_trip) distance *= y.scale;
  return result;
}

MappedPoints PointMapper::predicted(std::span<const double> points) {
  return state_->for_each(points, state_->y, state_->x,
                          [](auto& blocks, auto some) { return blocks.predicted(some); });
}

}  // namespace otfleet
