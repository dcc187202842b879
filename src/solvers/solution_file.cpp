#include "src/solvers/solution_file.hpp"

#include <span>
#include <utility>

namespace otfleet {
namespace {

/// The figures of a problem besides its potentials.
struct Column {
  const char* name;
  std::vector<double> Solutions::*values;
};
constexpr Column balanced_columns[] = {{"dual_value", &Solutions::dual_value},
                                       {"transport_cost", &Solutions::transport_cost},
                                       {"upper_bound", &Solutions::upper_bound},
                                       {"lower_bound", &Solutions::lower_bound},
                                       {"marginal_error", &Solutions::marginal_error}};
constexpr Column unbalanced_columns[] = {{"dual_value", &Solutions::dual_value},
                                         {"primal_value", &Solutions::primal_value},
                                         {"transport_cost", &Solutions::transport_cost},
                                         {"transported_mass", &Solutions::transported_mass},
                                         {"mass_potential", &Solutions::mass_potential},
                                         {"residual", &Solutions::residual}};

std::span<const Column> columns_of(bool balanced) {
  return balanced ? std::span<const Column>(balanced_columns)
                  : std::span<const Column>(unbalanced_columns);
}

constexpr const char* status_words[] = {"converged", "iteration limit", "precision limit",
                                        "not finite"};

}  // namespace

SolutionLayout::SolutionLayout(const Population& population)
    : problems(population.problems()),
      coordinates(population.geometry.coordinates()),
      n(population.geometry.n),
      m(population.geometry.m),
      fingerprint(population.geometry.fingerprint()) {}

SolutionLayout::SolutionLayout(const CloudPopulation& population)
    : problems(population.problems()),
      coordinates(population.dimension),
      fingerprint(population.fingerprint()),
      f_offsets{0},
      g_offsets{0} {
  for (std::int64_t k = 0; k < problems; ++k) {
    f_offsets.push_back(f_offsets.back() + population.source_points(k));
    g_offsets.push_back(g_offsets.back() + population.target_points(k));
  }
}

SolutionFile::SolutionFile(const std::filesystem::path& path,
                           const distributed::Communicator& communicator, SolutionLayout layout,
                           const Job& job, const std::string& population_name)
    : communicator_(communicator),
      layout_(std::move(layout)),
      balanced_(job.problem.balanced()),
      wanted_(job.solution) {
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
  file_->set_attribute("/solution", "epsilon", job.problem.epsilon);
  file_->set_attribute("/solution", "tau_a", job.problem.tau_a);
  file_->set_attribute("/solution", "tau_b", job.problem.tau_b);
  file_->set_attribute("/solution", "transported_share", job.problem.transported_share);
  file_->set_attribute("/solution", "threshold", job.solver.threshold);
  file_->set_attribute("/solution", "initializer", job.solver.initializer);
  file_->set_attribute("/solution", "precision", job.solver.precision);
  file_->set_attribute("/solution", "population", population_name);
  file_->set_attribute("/solution", "geometry", layout_.fingerprint);
  for (int k = 0; k < 4; ++k)
    file_->set_attribute("/solution", "status_" + std::to_string(k), std::string(status_words[k]));
  const std::int64_t problems = layout_.problems;
  for (const Column& column : columns_of(balanced_))
    file_->create_dataset<double>(std::string("/solution/") + column.name, {problems});
  file_->create_dataset<std::int32_t>("/solution/iterations", {problems});
  file_->create_dataset<std::int32_t>("/solution/status", {problems});
  create_points_datasets();
  if (!wants_entries(wanted_)) return;
  file_->create_group("/plan");
  file_->set_attribute("/plan", "rule", wanted_.plan);
  if (wanted_.plan == "top_k")
    file_->set_attribute("/plan", "top_k", wanted_.top_k);
  else
    file_->set_attribute("/plan", "threshold", wanted_.plan_threshold);
  file_->create_dataset<std::int64_t>("/plan/offsets", {problems, layout_.n + 1});
  file_->create_dataset<double>("/plan/kept_mass", {problems});
}

SolutionFile::~SolutionFile() = default;

/// What has an entry for every point.
void SolutionFile::create_points_datasets() {
  const auto create = [&](const std::string& name, std::int64_t points,
                          const std::vector<std::int64_t>& offsets, std::int64_t per_point) {
    std::vector<std::int64_t> shape = layout_.has_offsets()
                                          ? std::vector<std::int64_t>{offsets.back()}
                                          : std::vector<std::int64_t>{layout_.problems, points};
    if (per_point > 0) shape.push_back(per_point);
    file_->create_dataset<double>("/solution/" + name, shape);
  };
  const auto write_offsets = [&](const std::string& name,
                                 const std::vector<std::int64_t>& offsets) {
    if (layout_.has_offsets())
      file_->write<std::int64_t>("/solution/" + name, {layout_.problems + 1}, offsets);
  };
  if (wanted_.potentials) {
    create("f", layout_.n, layout_.f_offsets, 0);
    create("g", layout_.m, layout_.g_offsets, 0);
    write_offsets("g_offsets", layout_.g_offsets);
  }
  if (wanted_.projection) create("projection", layout_.n, layout_.f_offsets, layout_.coordinates);
  if (wanted_.potentials || wanted_.projection) write_offsets("f_offsets", layout_.f_offsets);
}

void SolutionFile::write(distributed::Shard rows, Solutions solutions) {
  const auto place = [&](const std::vector<std::int64_t>& offsets) {
    if (!layout_.has_offsets()) return rows;
    return distributed::Shard{offsets[rows.begin], offsets[rows.end]};
  };
  if (wanted_.potentials) {
    file_->write_rows<double>("/solution/f", place(layout_.f_offsets), solutions.f);
    file_->write_rows<double>("/solution/g", place(layout_.g_offsets), solutions.g);
  }
  for (const Column& column : columns_of(balanced_))
    file_->write_rows<double>(std::string("/solution/") + column.name, rows,
                              solutions.*column.values);
  file_->write_rows<std::int32_t>("/solution/iterations", rows, solutions.iterations);
  file_->write_rows<std::int32_t>("/solution/status", rows, solutions.status);
  if (wanted_.projection)
    file_->write_rows<double>("/solution/projection", place(layout_.f_offsets),
                              solutions.plan.projection);
  if (!wants_entries(wanted_)) return;
  PlanEntries& plans = solutions.plan.entries;
  plans.columns.shrink_to_fit();
  plans.values.shrink_to_fit();
  waiting_.push_back({rows, std::move(plans)});
}

void SolutionFile::write_entries() {
  std::int64_t count = 0;
  for (const Entries& entries : waiting_)
    count += static_cast<std::int64_t>(entries.plans.columns.size());
  std::int64_t begin = communicator_.exclusive_sum(count);
  const std::int64_t total = communicator_.all_reduce(count, distributed::Reduction::sum);
  file_->create_dataset<std::int32_t>("/plan/columns", {total});
  file_->create_dataset<double>("/plan/values", {total});
  for (Entries& entries : waiting_) {
    PlanEntries plans = std::move(entries.plans);  // freed when it is written
    for (std::int64_t& offset : plans.offsets) offset += begin;
    const distributed::Shard place{begin, begin + static_cast<std::int64_t>(plans.columns.size())};
    file_->write_rows<std::int64_t>("/plan/offsets", entries.rows, plans.offsets);
    file_->write_rows<double>("/plan/kept_mass", entries.rows, plans.kept_mass);
    file_->write_rows<std::int32_t>("/plan/columns", place, plans.columns);
    file_->write_rows<double>("/plan/values", place, plans.values);
    begin = place.end;
  }
  waiting_.clear();
}

void SolutionFile::commit() {
  if (wants_entries(wanted_)) write_entries();
  file_->close();
  communicator_.agree([&] {
    if (staged_) staged_->commit();
  });
}

}  // namespace otfleet
