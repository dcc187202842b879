#include "src/populations/population_view.hpp"

#include <algorithm>

#include "src/populations/device_problems.hpp"

namespace otfleet {
namespace {

GeometryKind kind_of(Geometry::Kind kind) {
  switch (kind) {
    case Geometry::Kind::grid:
      return GeometryKind::grid;
    case Geometry::Kind::dense:
      return GeometryKind::dense;
    case Geometry::Kind::points:
      break;
  }
  return GeometryKind::points;
}

}  // namespace

GeometryFacts facts_of(const Geometry& geometry) {
  return {kind_of(geometry.kind), geometry.ground_cost, geometry.coordinates()};
}

GeometryFacts PopulationView::geometry() const {
  if (shared_points_ != nullptr) return facts_of(shared_points_->geometry);
  return {GeometryKind::clouds, clouds_->ground_cost, clouds_->dimension};
}

std::span<const std::int32_t> PopulationView::sources() const {
  return shared_points_ != nullptr ? shared_points_->source : clouds_->source;
}

std::span<const std::int32_t> PopulationView::targets() const {
  return shared_points_ != nullptr ? shared_points_->target : clouds_->target;
}

std::span<const std::int64_t> PopulationView::sequence() const {
  return shared_points_ != nullptr ? shared_points_->sequence : clouds_->sequence;
}

std::int64_t PopulationView::source_points(std::int64_t problem) const {
  return shared_points_ != nullptr ? shared_points_->geometry.n : clouds_->source_points(problem);
}

std::int64_t PopulationView::target_points(std::int64_t problem) const {
  return shared_points_ != nullptr ? shared_points_->geometry.m : clouds_->target_points(problem);
}

bool PopulationView::shared_measures() const {
  return shared_points_ != nullptr ? shared_points_->shared_measures : clouds_->shared_measures;
}

std::int64_t PopulationView::measures(bool source) const {
  if (clouds_ != nullptr) return table(source).count();
  return source || shared_measures() ? shared_points_->source_measures
                                     : shared_points_->target_measures;
}

std::span<const double> PopulationView::weights(bool source, std::int64_t measure) const {
  if (clouds_ != nullptr)
    return std::span(table(source).weights)
        .subspan(static_cast<std::size_t>(table(source).offsets[measure]),
                 static_cast<std::size_t>(table(source).size(measure)));
  const bool first = source || shared_measures();
  const auto& all = first ? shared_points_->source_weights : shared_points_->target_weights;
  const auto n =
      static_cast<std::size_t>(source ? shared_points_->geometry.n : shared_points_->geometry.m);
  return std::span(all).subspan(static_cast<std::size_t>(measure) * n, n);
}

std::span<const double> PopulationView::points(bool source, std::int64_t measure) const {
  if (clouds_ == nullptr) return {};
  return std::span(table(source).points)
      .subspan(static_cast<std::size_t>(table(source).offsets[measure] * clouds_->dimension),
               static_cast<std::size_t>(table(source).size(measure) * clouds_->dimension));
}

std::vector<double> PopulationView::supports(bool source) const {
  std::vector<double> counts;
  for (std::int64_t s = 0; s < measures(source); ++s) {
    const auto own = weights(source, s);
    counts.push_back(
        static_cast<double>(std::count_if(own.begin(), own.end(), [](double w) { return w > 0; })));
  }
  return counts;
}

kernels::Problems PopulationView::on_device(double epsilon) const {
  return shared_points_ != nullptr ? device_problems(*shared_points_, epsilon)
                                   : device_problems(*clouds_);
}

}  // namespace otfleet
