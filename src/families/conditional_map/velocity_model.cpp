#include "src/families/conditional_map/velocity_model.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/minimize/settings.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"

namespace otfleet {
namespace {

/// As many points at a time as keep the network's layers in the caches.
constexpr std::size_t flow_points = 1024;

class FlowMap final : public ProblemMap {
 public:
  FlowMap(VelocityModel& model, const SeenProblems& one, const Job& job)
      : model_(model),
        contexts_(one.contexts),
        steps_(static_cast<int>(job.map.steps)),
        tolerance_(job.conjugate.tolerance),
        dimension_(static_cast<std::size_t>(model.description().dimension)),
        points_("otfleet::solver::points", flow_points, dimension_),
        velocity_("otfleet::solver::velocity", flow_points, dimension_),
        times_("otfleet::solver::times", flow_points, std::size_t{1}) {}

  MappedPoints forward(std::span<const double> points, bool certify) override {
    return map(points, true, certify);
  }
  MappedPoints backward(std::span<const double> points) override {
    return map(points, false, true);
  }

 private:
  MappedPoints map(std::span<const double> points, bool ahead, bool certify) {
    const Standardization& standard = model_.description().standardization;
    const auto& from = ahead ? standard.source : standard.target;
    const auto& to = ahead ? standard.target : standard.source;
    const std::vector<double> given(points.begin(), points.end());
    std::vector<double> begin = given;
    from.apply(begin);
    const auto end = integral(begin, ahead, steps_);
    MappedPoints result;
    result.image = end;
    to.undo(result.image);
    const std::size_t rows = given.size() / dimension_;
    result.value.assign(rows, std::nan(""));
    result.status.assign(rows, static_cast<std::int32_t>(kernels::ConjugateStatus::converged));
    if (certify) {
      auto coarse = integral(begin, ahead, std::max(steps_ / 2, 1)),
           back = integral(end, !ahead, steps_);
      to.undo(coarse);
      from.undo(back);
      result.residual = row_distances(result.image, coarse, model_.description().dimension);
      result.round_trip = row_distances(given, back, model_.description().dimension);
      result.iterations.assign(rows, steps_);
    }
    for (std::size_t k = 0; k < rows; ++k) {
      bool finite = true;
      for (std::size_t i = 0; i < dimension_; ++i)
        finite = finite && std::isfinite(result.image[k * dimension_ + i]);
      using kernels::ConjugateStatus;
      if (!finite)
        result.status[k] = static_cast<std::int32_t>(ConjugateStatus::not_finite);
      else if (certify && !(result.residual[k] <= tolerance_))
        result.status[k] = static_cast<std::int32_t>(ConjugateStatus::step_limit);
    }
    return result;
  }

  /// Rows after the flow from t = 0 to 1 (ahead), or back, in standard coordinates.
  std::vector<double> integral(const std::vector<double>& begin, bool ahead, int steps) {
    std::vector<double> x = begin;
    const std::size_t block = flow_points * dimension_;
    for (std::size_t at = 0; at < x.size(); at += block)
      integrate(std::span(x).subspan(at, std::min(block, x.size() - at)), ahead, steps);
    return x;
  }

  void integrate(std::span<double> x, bool ahead, int steps) {
    const double length = (ahead ? 1.0 : -1.0) / steps;
    std::vector<double> stage(x.size()), sum(x.size()), slope(x.size());
    for (int step = 0; step < steps; ++step) {
      const double begin = (ahead ? 0 : 1) + step * length;
      const auto slope_at = [&](double share) {
        for (std::size_t i = 0; i < x.size(); ++i) stage[i] = x[i] + share * length * slope[i];
        velocity(stage, begin + share * length, slope);
      };
      std::fill(slope.begin(), slope.end(), 0.0);
      slope_at(0);
      sum = slope;
      for (const auto& [share, weight] :
           {std::pair{0.5, 2.0}, std::pair{0.5, 2.0}, std::pair{1.0, 1.0}}) {
        slope_at(share);
        for (std::size_t i = 0; i < x.size(); ++i) sum[i] += weight * slope[i];
      }
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += length * sum[i] / 6;
    }
  }

  void velocity(const std::vector<double>& x, double time, std::vector<double>& result) {
    const std::size_t rows = x.size() / dimension_;
    const auto points = points_.rows(0, rows), found = velocity_.rows(0, rows);
    const auto host = points.mirror();
    std::transform(x.begin(), x.end(), host.begin(),
                   [](double value) { return static_cast<float>(value); });
    points.upload(host);
    const auto times = times_.rows(0, rows);
    times.flat().fill(static_cast<float>(time));
    model_.run(points, times, contexts_, found);
    const auto values = found.host();
    std::copy(values.begin(), values.end(), result.begin());
  }

  VelocityModel& model_;
  DeviceArray<const float, 2> contexts_;
  int steps_;
  double tolerance_;
  std::size_t dimension_;
  DeviceArray<float, 2> points_, velocity_, times_;
};

}  // namespace

VelocityModel::VelocityModel(const ConditionalDescription& description, std::int64_t seed)
    : ConditionalModel(description),
      network_(network_library().make_velocity_network(description, seed)) {}

std::unique_ptr<ProblemMap> VelocityModel::map_of(const SeenProblems& one, const Job& job) {
  return std::make_unique<FlowMap>(*this, one, job);
}

}  // namespace otfleet
