#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "src/families/barycenter/barycenter_schema.hpp"
#include "src/families/family.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/problem_set.hpp"
#include "src/runs/solve_memory.hpp"

namespace otfleet {

/// What barycenters of every kind of support have in common as problems to solve: where they are
/// read, and that a rank solves its own.
template <class Population, class Solver, class Schema>
class BarycenterProblemSet : public ProblemSet {
 public:
  SolutionTable solve(distributed::Shard rows, SolveSeconds& seconds,
                      SolveControl& control) override {
    return schema_->table(named([&] { return solver_->solve(rows, seconds, control); }));
  }
  const char* items() const override { return "barycenters"; }
  const char* error_name() const override { return "residual"; }

 protected:
  /// What was read, once there is memory for solving it.
  struct Input {
    Population population;
    double bytes_of_one;  ///< that a problem takes at most
  };
  /// read(file, processes on this machine): the Input.
  template <class Read>
  BarycenterProblemSet(const CommandContext& context, Report& report, const Read& read)
      : job_(context.job) {
    const auto& communicator = context.communicator;
    const PhaseTimer timer(report, "read");
    communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
      file = find_input(context, job_.files.test_population, "files.test_population", "make",
                        "test.h5");
      require_solve_memory(file, job_, neighbors);
      named([&] {
        Input input = read(file, neighbors);
        population_ = std::move(input.population);
        most_problems = std::clamp<std::int64_t>(
            static_cast<std::int64_t>(most_block_bytes / input.bytes_of_one), 1,
            most_problems_of_block);
        solver_.emplace(population_, job_);
      });
    });
    schema_.emplace(job_, population_, file.filename().string());
    layout = schema_->layout();
    identity = barycenter_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    shard_reason = "a barycenter is one rank's";
  }

  const Job& job_;
  Population population_;

 private:
  /// work(), where what is wrong with the population names its file.
  template <class Work>
  decltype(auto) named(const Work& work) const {
    return with_population_named(file, job_.problem.epsilon, work);
  }

  static constexpr std::int64_t most_problems_of_block = 4096;

  std::optional<Solver> solver_;
  std::optional<Schema> schema_;
};

}  // namespace otfleet
