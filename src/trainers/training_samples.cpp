#include "src/trainers/training_samples.hpp"

#include <vector>

#include "src/models/cloud_model.hpp"
#include "src/models/potential_model.hpp"
#include "src/populations/device_problems.hpp"
#include "src/trainers/pair_sampler.hpp"

namespace otfleet {
namespace {

/// On points that all problems share.
class SharedPointsSamples final : public TrainingSamples {
 public:
  SharedPointsSamples(const Population& population, double epsilon, distributed::Shard problems,
                      std::int64_t seed, bool augment, PotentialModel& model)
      : geometry_(population.geometry),
        sampler_(population, problems, seed, augment),
        solver_(device_problems(population.geometry, epsilon, {}, {}), epsilon,
                mean_supports(population)),
        model_(model) {}

  const BatchSolver& solver() const override { return solver_; }

  void draw(std::int64_t first, std::int64_t count) override {
    const auto rows = static_cast<std::size_t>(count);
    if (a_.extent(0) != rows) {
      const auto n = static_cast<std::size_t>(geometry_.n),
                 m = static_cast<std::size_t>(geometry_.m);
      a_ = DeviceArray<double, 2>("otfleet::training::a", rows, n);
      b_ = DeviceArray<double, 2>("otfleet::training::b", rows, m);
      f_ = DeviceArray<double, 2>("otfleet::training::f", rows, n);
      problems_ = solver_.measures().with_shares(a_, b_, sampler_.smallest_weight());
    }
    sampler_.draw(first, a_, b_);
  }

  const kernels::Problems& problems() const override { return problems_; }
  DeviceArray<const double> shares() const override { return a_.flat(); }
  DeviceArray<double> predict(double epsilon) override {
    model_.forward(a_, b_, f_, epsilon);
    return f_.flat();
  }
  void backward(const DeviceArray<const double>& slope, const GradientListener& listener) override {
    const auto n = static_cast<std::size_t>(geometry_.n);
    model_.backward(slope.reshaped(slope.size() / n, n), listener);
  }

 private:
  const Geometry& geometry_;
  PairSampler sampler_;
  BatchSolver solver_;
  PotentialModel& model_;
  DeviceArray<double, 2> a_, b_, f_;
  kernels::Problems problems_;
};

/// Where every measure has points of its own.
class CloudSamples final : public TrainingSamples {
 public:
  CloudSamples(const CloudPopulation& population, double epsilon, distributed::Shard problems,
               std::int64_t seed, CloudModel& model)
      : population_(population),
        of_(problems),
        numbers_(static_cast<std::uint64_t>(seed), sample_stream),
        solver_(PopulationView(population).on_device(epsilon), epsilon,
                mean_supports(PopulationView(population))),
        model_(model) {}

  const BatchSolver& solver() const override { return solver_; }

  void draw(std::int64_t first, std::int64_t count) override {
    std::vector<std::int32_t> sources, targets;
    for (std::int64_t s = first; s < first + count; ++s) {
      const auto drawn = static_cast<std::int64_t>(
          numbers_.below(static_cast<std::uint64_t>(of_.size()), static_cast<std::uint64_t>(s)));
      const auto problem = static_cast<std::size_t>(of_.begin + drawn);
      sources.push_back(population_.source[problem]);
      targets.push_back(population_.target[problem]);
    }
    problems_ = solver_.measures().between(sources, targets);
    const auto points = static_cast<std::size_t>(problems_.source_offsets().back());
    shares_ = DeviceArray<double>(uninitialized, "otfleet::training::a", points);
    f_ = DeviceArray<double>(uninitialized, "otfleet::training::f", points);
    kernels::source_shares(problems_, shares_);
  }

  const kernels::Problems& problems() const override { return problems_; }
  DeviceArray<const double> shares() const override { return shares_; }
  DeviceArray<double> predict(double epsilon) override {
    model_.forward(problems_, epsilon, f_);
    return f_;
  }
  void backward(const DeviceArray<const double>& slope, const GradientListener& listener) override {
    model_.backward(slope, listener);
  }

 private:
  static constexpr std::uint64_t sample_stream = 1002;  // PairSampler has those before

  const CloudPopulation& population_;
  distributed::Shard of_;
  kernels::CounterRandom numbers_;
  BatchSolver solver_;
  CloudModel& model_;
  kernels::Problems problems_;
  DeviceArray<double> shares_, f_;
};

}  // namespace

std::unique_ptr<TrainingSamples> training_samples(const PopulationView& population, double epsilon,
                                                  distributed::Shard problems, std::int64_t seed,
                                                  bool augment, StartModel& model) {
  if (const auto* clouds = population.clouds())
    return std::make_unique<CloudSamples>(*clouds, epsilon, problems, seed,
                                          dynamic_cast<CloudModel&>(model));
  return std::make_unique<SharedPointsSamples>(*population.shared_points(), epsilon, problems, seed,
                                               augment, dynamic_cast<PotentialModel&>(model));
}

}  // namespace otfleet
