#include "src/models/checkpoint.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "distributed/hdf5_checksum.hpp"
#include "distributed/hdf5_file.hpp"
#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

constexpr std::int64_t format_version = 1;

std::string architecture_text(const Job::Model& model) {
  std::string text =
      fmt::format("{} with hidden = [{}]", model.architecture, fmt::join(model.hidden, ", "));
  if (model.architecture == "pair_encoder")
    text +=
        fmt::format(", embedding = {}, head = [{}], output_rank = {}, pooling = {}",
                    model.embedding, fmt::join(model.head, ", "), model.output_rank, model.pooling);
  return text;
}

std::vector<float> to_host(const Vector<float, ExecutionSpace>& values) {
  std::vector<float> host(values.extent(0));
  Kokkos::deep_copy(
      Kokkos::View<float*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(host.data(),
                                                                                       host.size()),
      values);
  return host;
}

void to_device(const std::vector<float>& host, const Vector<float, ExecutionSpace>& values) {
  Kokkos::deep_copy(
      values,
      Kokkos::View<const float*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
          host.data(), host.size()));
}

std::string required_text(const Hdf5File& file, const std::string& name) {
  const auto value = file.has("/model") ? file.string_attribute("/model", name) : std::nullopt;
  if (!value)
    throw UserError(file.path().string() + ": not an otfleet checkpoint (no /model attribute '" +
                    name + "')");
  return *value;
}

double required_number(const Hdf5File& file, const std::string& object, const std::string& name) {
  const auto value = file.number_attribute(object, name);
  if (!value)
    throw UserError(file.path().string() + ": not an otfleet checkpoint (no " + object +
                    " attribute '" + name + "')");
  return *value;
}

ModelDescription read_description(const Hdf5File& file) {
  const auto version = file.number_attribute("/", "otfleet_version");
  if (version && *version > format_version)
    throw UserError(fmt::format("{}: has format version {}; this otfleet reads up to {}",
                                file.path().string(), *version, format_version));
  ModelDescription description;
  description.architecture.architecture = required_text(file, "architecture");
  for (const auto& [name, widths] : {std::pair{"/model/hidden", &description.architecture.hidden},
                                     std::pair{"/model/head", &description.architecture.head},
                                     std::pair{"/model/grid", &description.grid}}) {
    if (!file.has(name))
      throw UserError(
          fmt::format("{}: not an otfleet checkpoint (no {})", file.path().string(), name));
    *widths = file.read<std::int64_t>(name);
  }
  const auto number = [&](const std::string& name) {
    return required_number(file, "/model", name);
  };
  description.architecture.embedding = std::llround(number("embedding"));
  description.architecture.output_rank = std::llround(number("output_rank"));
  description.architecture.pooling = std::llround(number("pooling"));
  description.n = std::llround(number("n"));
  description.m = std::llround(number("m"));
  description.shared_measures = number("shared_measures") != 0;
  description.epsilon = number("epsilon");
  description.geometry = required_text(file, "geometry");
  return description;
}

void check(const std::string& name, const ModelDescription& found, const ModelDescription& wanted) {
  if (found.geometry != wanted.geometry || found.n != wanted.n || found.m != wanted.m)
    throw UserError(
        fmt::format("{}: was trained for another cost ({} x {} points, cost {}) than the "
                    "population's ({} x {} points, cost {})",
                    name, found.n, found.m, found.geometry, wanted.n, wanted.m, wanted.geometry));
  const auto &have = found.architecture, &want = wanted.architecture;
  const bool same = have.architecture == want.architecture && have.hidden == want.hidden &&
                    (have.architecture != "pair_encoder" ||
                     (have.embedding == want.embedding && have.head == want.head &&
                      have.output_rank == want.output_rank && have.pooling == want.pooling));
  if (!same)
    throw UserError(
        fmt::format("{}: holds {}, but the job asks for {}; change [model] or train again", name,
                    architecture_text(have), architecture_text(want)));
  if (found.shared_measures != wanted.shared_measures)
    throw UserError(name + ": was trained with " +
                    (found.shared_measures ? "one set" : "two sets") +
                    " of measures, the population has " + (wanted.shared_measures ? "one" : "two"));
}

}  // namespace

ModelDescription describe_model(const Job& job, const Population& population) {
  const Geometry& geometry = population.geometry;
  if (job.model.pooling > 1 && geometry.kind != Geometry::Kind::grid)
    throw UserError(fmt::format("model.pooling = {} needs weights on a grid", job.model.pooling));
  ModelDescription description{job.model,
                               geometry.n,
                               geometry.m,
                               {},
                               population.shared_measures,
                               job.problem.epsilon,
                               geometry.fingerprint()};
  for (const auto& axis : geometry.axes)
    description.grid.push_back(static_cast<std::int64_t>(axis.size()));
  return description;
}

void write_checkpoint(const std::filesystem::path& path, PotentialModel& model,
                      const TrainingState* state) {
  distributed::StagedPath staged(path);
  Hdf5File file = Hdf5File::create(staged.temporary());
  const ModelDescription& description = model.description();
  file.set_attribute("/", "otfleet_kind", std::string("checkpoint"));
  file.set_attribute("/", "otfleet_version", format_version);
  file.create_group("/model");
  file.set_attribute("/model", "architecture", description.architecture.architecture);
  for (const auto& [name, widths] : {std::pair{"/model/hidden", &description.architecture.hidden},
                                     std::pair{"/model/head", &description.architecture.head},
                                     std::pair{"/model/grid", &description.grid}})
    file.write<std::int64_t>(name, {static_cast<std::int64_t>(widths->size())}, *widths);
  file.set_attribute("/model", "embedding", description.architecture.embedding);
  file.set_attribute("/model", "output_rank", description.architecture.output_rank);
  file.set_attribute("/model", "pooling", description.architecture.pooling);
  file.set_attribute("/model", "n", description.n);
  file.set_attribute("/model", "m", description.m);
  file.set_attribute("/model", "shared_measures", std::int64_t{description.shared_measures});
  file.set_attribute("/model", "epsilon", description.epsilon);
  file.set_attribute("/model", "geometry", description.geometry);
  const std::vector<float> parameters = to_host(model.parameters());
  for (const auto& entry : model.entries())
    file.write<float>("/model/parameters/" + entry.name, entry.shape,
                      std::span(parameters).subspan(entry.offset, entry.size));
  if (state != nullptr) {
    file.create_group("/training");
    file.set_attribute("/training", "step", state->step);
    file.set_attribute("/training", "seconds", state->seconds);
    file.set_attribute("/training", "job", state->job);
    const auto logged = static_cast<std::int64_t>(state->history.size()) / history_columns;
    file.write<double>("/training/history", {logged, history_columns}, state->history);
    const auto size = static_cast<std::int64_t>(parameters.size());
    file.write<float>("/training/first_moment", {size}, to_host(state->first_moment));
    file.write<float>("/training/second_moment", {size}, to_host(state->second_moment));
  }
  distributed::seal(file);
  file.close();
  staged.commit();
}

ModelDescription read_description(const std::filesystem::path& path) {
  return read_description(Hdf5File::open(path));
}

PotentialModel read_checkpoint(const std::filesystem::path& path, const ModelDescription& expected,
                               TrainingState* state) {
  const Hdf5File file = Hdf5File::open(path);
  ModelDescription description = read_description(file);
  check(path.string(), description, expected);
  PotentialModel model(description, 0);
  std::vector<float> parameters(model.parameters().extent(0));
  for (const auto& entry : model.entries()) {
    const std::string dataset = "/model/parameters/" + entry.name;
    if (!file.has(dataset) || file.info(dataset).shape != entry.shape)
      throw UserError(path.string() + ": " + dataset +
                      " is missing or has another shape than the model's");
    const auto values = file.read<float>(dataset);
    for (const float value : values)
      if (!std::isfinite(value))
        throw UserError(path.string() + ": " + dataset + " holds a number that is not finite");
    std::copy(values.begin(), values.end(), parameters.begin() + entry.offset);
  }
  to_device(parameters, model.parameters());
  if (state != nullptr && file.has("/training")) {
    state->step = std::llround(required_number(file, "/training", "step"));
    state->seconds = required_number(file, "/training", "seconds");
    state->job = file.string_attribute("/training", "job").value_or("");
    state->history = file.read<double>("/training/history");
    if (state->history.size() % history_columns != 0)
      throw UserError(fmt::format("{}: /training/history has rows of other than {} columns",
                                  path.string(), history_columns));
    for (const auto& [name, moment] :
         {std::pair{"/training/first_moment", &state->first_moment},
          std::pair{"/training/second_moment", &state->second_moment}}) {
      const auto values = file.read<float>(name);
      if (values.size() != parameters.size())
        throw UserError(path.string() + ": " + name + " has another size than the model");
      *moment = Vector<float, ExecutionSpace>("otfleet::training::moment", values.size());
      to_device(values, *moment);
    }
  }
  distributed::check_seal(file);  // last: what names the fault says more
  return model;
}

}  // namespace otfleet
