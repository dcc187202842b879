#include "src/runs/solution_file.hpp"

#include <string_view>
#include <type_traits>
#include <utility>

#include "src/data/file_kinds.hpp"
#include "src/families/neural_dual/conjugate_solver.hpp"

namespace otfleet {
namespace {

constexpr const char* status_words[] = {"converged", "iteration limit", "precision limit",
                                        "not finite"};

}  // namespace

SolutionLayout::SolutionLayout(const Population& population)
    : problems(population.problems()),
      coordinates(population.geometry.coordinates()),
      n(population.geometry.n),
      m(population.geometry.m),
      fingerprint(population.geometry.fingerprint()),
      source(population.source),
      target(population.target) {}

SolutionLayout::SolutionLayout(const CloudPopulation& population)
    : problems(population.problems()),
      coordinates(population.dimension),
      fingerprint(population.fingerprint()),
      source(population.source),
      target(population.target),
      f_offsets{0},
      g_offsets{0} {
  for (std::int64_t k = 0; k < problems; ++k) {
    f_offsets.push_back(f_offsets.back() + population.source_points(k));
    g_offsets.push_back(g_offsets.back() + population.target_points(k));
  }
}

SolutionLayout::SolutionLayout(std::int64_t points, std::int64_t dimension, std::string fingerprint)
    : problems(points), coordinates(dimension), n(dimension), fingerprint(std::move(fingerprint)) {}

SolutionFile::SolutionFile(const std::filesystem::path& path,
                           const distributed::Communicator& communicator, SolutionLayout layout,
                           const Job& job, const std::string& population_name,
                           std::int64_t plan_entries)
    : communicator_(communicator), layout_(std::move(layout)), contents_(job) {
  communicator.agree([&] {
    if (communicator.is_root())
      staged_ = std::make_unique<distributed::StagedPath>(
          path, distributed::FileMark::hdf5(solution_kind));
  });
  const std::string temporary =
      communicator.broadcast(staged_ ? staged_->temporary().string() : std::string());
  file_ = std::make_unique<distributed::Hdf5File>(
      distributed::Hdf5File::create(temporary, communicator));
  file_->set_attribute("/", distributed::kind_attribute, std::string(solution_kind));
  file_->set_attribute("/", "otfleet_version", std::int64_t{1});
  file_->create_group("/solution");
  write_attributes(job, population_name);
  const std::int64_t problems = layout_.problems;
  for_each_solution_array(contents_, [&](const char* name, SolutionRows rows, auto array) {
    using Value = typename std::decay_t<decltype(array(std::declval<Solutions&>()))>::value_type;
    if (rows == SolutionRows::problems && std::string_view(name).starts_with("/solution/"))
      file_->create_dataset<Value>(name, {problems});
  });
  if (contents_.kind != SolutionContents::Kind::mapped_points) {
    file_->write<std::int32_t>("/problems/source", {problems}, layout_.source);
    file_->write<std::int32_t>("/problems/target", {problems}, layout_.target);
  }
  create_points_datasets();
  if (!wants_entries(contents_.wanted)) return;
  file_->create_group("/plan");
  file_->set_attribute("/plan", "rule", word_of(contents_.wanted.plan));
  if (contents_.wanted.plan == PlanRule::top_k)
    file_->set_attribute("/plan", "top_k", contents_.wanted.top_k);
  else
    file_->set_attribute("/plan", "threshold", contents_.wanted.plan_threshold);
  file_->create_dataset<std::int64_t>("/plan/offsets", {problems, layout_.n + 1});
  file_->create_dataset<double>("/plan/kept_mass", {problems});
  file_->create_dataset<std::int32_t>("/plan/columns", {plan_entries});
  file_->create_dataset<double>("/plan/values", {plan_entries});
}

SolutionFile::~SolutionFile() = default;

void SolutionFile::write_attributes(const Job& job, const std::string& population_name) {
  const auto set = [&](const char* name, const auto& value) {
    file_->set_attribute("/solution", name, value);
  };
  set("population", population_name);
  set("geometry", layout_.fingerprint);
  const auto set_status = [&](int code, const std::string& word) {
    file_->set_attribute("/solution", "status_" + std::to_string(code), word);
  };
  if (contents_.kind == SolutionContents::Kind::mapped_points) {
    set("direction", word_of(job.map.direction));
    set("solver", word_of(job.conjugate.solver));
    set("tolerance", job.conjugate.tolerance);
    set("precision", word_of(job.conjugate.precision));
    for (int k = 0; k < 5; ++k)
      set_status(k, conjugate_status_name(static_cast<kernels::ConjugateStatus>(k)));
    return;
  }
  set("epsilon", job.problem.epsilon);
  set("tau_a", job.problem.tau_a);
  set("tau_b", job.problem.tau_b);
  set("transported_share", job.problem.transported_share);
  set("threshold", job.solver.threshold);
  set("normalize", std::int64_t{job.solver.normalize});
  set("initializer", job.solver.initializer);
  set("precision", word_of(job.solver.precision));
  for (int k = 0; k < 4; ++k) set_status(k, status_words[k]);
}

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
  if (contents_.wanted.potentials) {
    create("f", layout_.n, layout_.f_offsets, 0);
    create("g", layout_.m, layout_.g_offsets, 0);
    write_offsets("g_offsets", layout_.g_offsets);
  }
  if (contents_.kind == SolutionContents::Kind::mapped_points)
    create("image", layout_.coordinates, layout_.f_offsets, 0);
  if (contents_.wanted.projection)
    create("projection", layout_.n, layout_.f_offsets, layout_.coordinates);
  if (contents_.wanted.potentials || contents_.wanted.projection)
    write_offsets("f_offsets", layout_.f_offsets);
}

void SolutionFile::write(distributed::Shard rows, Solutions solutions, std::int64_t first_entry) {
  PlanEntries& entries = solutions.plan.entries;
  for (std::int64_t& offset : entries.offsets) offset += first_entry;
  write_arrays(solutions, [&](SolutionRows kind) -> distributed::Shard {
    if (kind == SolutionRows::plan_entries)
      return {first_entry, first_entry + static_cast<std::int64_t>(entries.columns.size())};
    if (kind == SolutionRows::problems || !layout_.has_offsets()) return rows;
    const auto& offsets =
        kind == SolutionRows::source_points ? layout_.f_offsets : layout_.g_offsets;
    return {offsets[rows.begin], offsets[rows.end]};
  });
}

void SolutionFile::write_points(std::int64_t problem, distributed::Shard sources,
                                distributed::Shard targets, Solutions solutions) {
  if (!communicator_.is_root()) solutions.clear_figures();
  write_arrays(solutions, [&](SolutionRows kind) -> distributed::Shard {
    if (kind == SolutionRows::problems)
      return {problem, problem + (communicator_.is_root() ? 1 : 0)};
    const bool source = kind == SolutionRows::source_points;
    const distributed::Shard points = source ? sources : targets;
    const std::int64_t first = (source ? layout_.f_offsets : layout_.g_offsets)[problem];
    return {first + points.begin, first + points.end};
  });
}

void SolutionFile::write_arrays(const Solutions& solutions,
                                const std::function<distributed::Shard(SolutionRows kind)>& place) {
  for_each_solution_array(contents_, [&](const char* name, SolutionRows kind, auto array) {
    const auto& values = array(solutions);
    using Value = typename std::decay_t<decltype(values)>::value_type;
    file_->write_rows<Value>(name, place(kind), values);
  });
}

void SolutionFile::commit() {
  file_->close();
  communicator_.agree([&] {
    if (staged_) staged_->commit();
  });
}

}  // namespace otfleet
