#include "src/solvers/sharded_solution_file.hpp"

#include <utility>

namespace otfleet {
namespace {

using distributed::Shard;

constexpr const char* status_words[] = {"converged", "iteration limit", "precision limit",
                                        "not finite"};

}  // namespace

ShardedSolutionFile::ShardedSolutionFile(const std::filesystem::path& path,
                                         const distributed::Communicator& communicator,
                                         SolutionLayout layout, const Job& job,
                                         const std::string& population_name)
    : communicator_(communicator), layout_(std::move(layout)), wanted_(job.solution) {
  communicator.agree([&] {
    if (communicator.is_root()) staged_ = std::make_unique<distributed::StagedPath>(path);
  });
  const std::string temporary =
      communicator.broadcast(staged_ ? staged_->temporary().string() : std::string());
  file_ = std::make_unique<distributed::Hdf5File>(
      distributed::Hdf5File::create(temporary, communicator));
  file_->set_attribute("/", "otfleet_kind", std::string("solution"));
  file_->set_attribute("/", "otfleet_version", std::int64_t{1});
  file_->create_group("/solution");
  const auto say = [&](const std::string& name, const auto& value) {
    file_->set_attribute("/solution", name, value);
  };
  say("epsilon", job.problem.epsilon);
  say("tau_a", job.problem.tau_a);
  say("tau_b", job.problem.tau_b);
  say("transported_share", job.problem.transported_share);
  say("threshold", job.solver.threshold);
  say("initializer", job.solver.initializer);
  say("precision", job.solver.precision);
  say("population", population_name);
  say("geometry", layout_.fingerprint);
  for (int k = 0; k < 4; ++k) say("status_" + std::to_string(k), std::string(status_words[k]));

  const std::vector<std::int64_t> ends = {layout_.problems + 1};
  if (wanted_.potentials) {
    file_->create_dataset<double>("/solution/f", {layout_.f_offsets.back()});
    file_->create_dataset<double>("/solution/g", {layout_.g_offsets.back()});
    file_->write<std::int64_t>("/solution/g_offsets", ends, layout_.g_offsets);
  }
  if (wanted_.projection)
    file_->create_dataset<double>("/solution/projection",
                                  {layout_.f_offsets.back(), layout_.coordinates});
  if (wanted_.potentials || wanted_.projection)
    file_->write<std::int64_t>("/solution/f_offsets", ends, layout_.f_offsets);
}

void ShardedSolutionFile::write(std::int64_t problem, const ShardedCloudSolver::Part& part) {
  const auto place = [&](const std::vector<std::int64_t>& offsets, Shard points) {
    const std::int64_t first = offsets[static_cast<std::size_t>(problem)];
    return Shard{first + points.begin, first + points.end};
  };
  const Shard sources = place(layout_.f_offsets, part.sources);
  if (wanted_.potentials) {
    file_->write_rows<double>("/solution/f", sources, part.solutions.f);
    file_->write_rows<double>("/solution/g", place(layout_.g_offsets, part.targets),
                              part.solutions.g);
  }
  if (wanted_.projection)
    file_->write_rows<double>("/solution/projection", sources, part.solutions.plan.projection);
}

void ShardedSolutionFile::commit(const Solutions& figures) {
  const std::vector<std::int64_t> count = {layout_.problems};
  const auto write = [&]<class Value>(const std::string& name, const std::vector<Value>& values) {
    file_->write<Value>("/solution/" + name, count, values);
  };
  write("dual_value", figures.dual_value);
  write("transport_cost", figures.transport_cost);
  write("upper_bound", figures.upper_bound);
  write("lower_bound", figures.lower_bound);
  write("marginal_error", figures.marginal_error);
  write("iterations", figures.iterations);
  write("status", figures.status);
  file_->close();
  communicator_.agree([&] {
    if (staged_) staged_->commit();
  });
}

}  // namespace otfleet
