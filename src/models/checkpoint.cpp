#include "src/models/checkpoint.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>
#include <sstream>

#include "distributed/error.hpp"
#include "distributed/hdf5_checksum.hpp"
#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

constexpr std::int64_t format_version = 1;

double required_number(const Hdf5File& file, const std::string& object, const std::string& name) {
  const auto value = file.has(object) ? file.number_attribute(object, name) : std::nullopt;
  if (!value)
    throw UserError(file.path().string() + ": not an otfleet checkpoint (no " + object +
                    " attribute '" + name + "')");
  return *value;
}

template <class T>
std::vector<T> dataset_of(const Hdf5File& file, const std::string& dataset) {
  const std::string path = "/model/" + dataset;
  if (!file.has(path))
    throw UserError(
        fmt::format("{}: not an otfleet checkpoint (no {})", file.path().string(), path));
  return file.read<T>(path);
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, TrainedModel& model,
                      const TrainingState* state, const distributed::FileMark& mark) {
  distributed::StagedPath staged(path, mark);
  Hdf5File file = Hdf5File::create(staged.temporary());
  file.set_attribute("/", distributed::kind_attribute, std::string(checkpoint_kind));
  file.set_attribute("/", "otfleet_version", format_version);
  file.create_group("/model");
  model.write_description(file);
  const std::vector<float> parameters = model.parameters().download();
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
    std::vector<std::string> names;
    for (const StateArray& array : state->optimizer) {
      names.push_back(array.name);
      file.write<float>("/training/" + array.name, {static_cast<std::int64_t>(array.values.size())},
                        array.values.download());
    }
    file.set_attribute("/training", "optimizer", fmt::format("{}", fmt::join(names, " ")));
  }
  distributed::seal(file);
  file.close();
  staged.commit();
}

std::string read_checksum(const std::filesystem::path& path) {
  return Hdf5File::open(path).string_attribute("/", distributed::checksum_attribute).value_or("");
}

CheckpointFile::CheckpointFile(const std::filesystem::path& path) : file_(Hdf5File::open(path)) {
  const auto version = file_.number_attribute("/", "otfleet_version");
  if (version && *version > format_version)
    throw UserError(fmt::format("{}: has format version {}; this otfleet reads up to {}", name(),
                                *version, format_version));
}

std::string CheckpointFile::text(const std::string& attribute,
                                 std::optional<std::string> absent) const {
  const auto value =
      file_.has("/model") ? file_.string_attribute("/model", attribute) : std::nullopt;
  if (!value && absent) return *absent;
  if (!value)
    throw UserError(name() + ": not an otfleet checkpoint (no /model attribute '" + attribute +
                    "')");
  return *value;
}

double CheckpointFile::number(const std::string& attribute, std::optional<double> absent) const {
  const auto value =
      file_.has("/model") ? file_.number_attribute("/model", attribute) : std::nullopt;
  if (!value && absent) return *absent;
  return required_number(file_, "/model", attribute);
}

void CheckpointFile::require_problem(ProblemKind kind) const {
  if (!file_.has("/model")) throw UserError(name() + ": not an otfleet checkpoint (no /model)");
  const auto found =
      file_.string_attribute("/model", "problem").value_or(word_of(ProblemKind::linear));
  if (value_of<ProblemKind>(found) != kind)
    throw UserError(name() + ": was trained with problem = '" + found + "', not '" + word_of(kind) +
                    "'; train again, or name another with files.checkpoint");
}

std::vector<std::int64_t> CheckpointFile::list(const std::string& dataset) const {
  return dataset_of<std::int64_t>(file_, dataset);
}

std::vector<double> CheckpointFile::numbers(const std::string& dataset) const {
  return dataset_of<double>(file_, dataset);
}

void CheckpointFile::read(TrainedModel& model, TrainingState* state) const {
  std::vector<float> parameters(model.parameters().extent(0));
  for (const auto& entry : model.entries()) {
    const std::string dataset = "/model/parameters/" + entry.name;
    if (!file_.has(dataset) || file_.info(dataset).shape != entry.shape)
      throw UserError(name() + ": " + dataset +
                      " is missing or has another shape than the model's");
    const auto values = file_.read<float>(dataset);
    for (const float value : values)
      if (!std::isfinite(value))
        throw UserError(name() + ": " + dataset + " holds a number that is not finite");
    std::copy(values.begin(), values.end(), parameters.begin() + entry.offset);
  }
  model.parameters().upload(parameters);
  if (state != nullptr && file_.has("/training")) {
    state->step = std::llround(required_number(file_, "/training", "step"));
    state->seconds = required_number(file_, "/training", "seconds");
    state->job = file_.string_attribute("/training", "job").value_or("");
    state->history = file_.read<double>("/training/history");
    if (state->history.size() % history_columns != 0)
      throw UserError(fmt::format("{}: /training/history has rows of other than {} columns", name(),
                                  history_columns));
    std::istringstream names(
        file_.string_attribute("/training", "optimizer").value_or("first_moment second_moment"));
    state->optimizer.clear();
    for (std::string array; names >> array;) {
      const std::string dataset = "/training/" + array;
      if (!file_.has(dataset)) throw UserError(name() + ": " + dataset + " is missing");
      const auto values = file_.read<float>(dataset);
      if (array.ends_with("moment") && values.size() != parameters.size())
        throw UserError(name() + ": " + dataset + " has another size than the model");
      state->optimizer.push_back({array, upload<float>("otfleet::training::" + array, values)});
    }
  }
  distributed::check_seal(file_);  // last: what names the fault says more
}

}  // namespace otfleet
