#include "src/config/job.hpp"

#include <spdlog/fmt/fmt.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <variant>

#include "distributed/error.hpp"
#include "src/config/job_keys.hpp"
#include "src/config/nearest_name.hpp"
#include "src/config/override_value.hpp"

namespace otfleet {
namespace {

using detail::Field;
using detail::Integers;
using detail::job_keys;
using detail::Key;
using detail::Names;
using detail::Numbers;
using detail::Path;

const Key* find_key(const std::string& path) {
  for (const auto& key : job_keys()) {
    if (key.path == path) return &key;
  }
  return nullptr;
}

/// Every table there is: "data" and "data.train" for "data.train.file".
const std::set<std::string>& sections() {
  static const std::set<std::string> names = [] {
    std::set<std::string> result;
    for (const auto& key : job_keys()) {
      for (auto dot = key.path.find('.'); dot != std::string::npos;
           dot = key.path.find('.', dot + 1)) {
        result.insert(key.path.substr(0, dot));
      }
    }
    return result;
  }();
  return names;
}

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a float";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

/// The value as TOML on one short line, for messages.
std::string shown(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& concrete) { text << concrete; });
  std::string line = text.str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  if (line.size() > 60) line = line.substr(0, 57) + "...";
  return line;
}

bool take(const toml::node& node, std::int64_t& value) {
  constexpr double exact = 9007199254740992;  // 2^53: up to it every whole number is a double
  if (const auto* number = node.as_floating_point();  // 1e5
      number != nullptr && std::abs(number->get()) <= exact &&
      number->get() == std::floor(number->get())) {
    value = static_cast<std::int64_t>(number->get());
    return true;
  }
  if (!node.is_integer()) return false;
  value = node.as_integer()->get();
  return true;
}

bool take(const toml::node& node, double& value) {
  if (node.is_integer()) {
    value = static_cast<double>(node.as_integer()->get());
    return true;
  }
  if (!node.is_floating_point()) return false;
  value = node.as_floating_point()->get();
  return true;
}

bool take(const toml::node& node, std::string& value) {
  if (!node.is_string()) return false;
  value = node.as_string()->get();
  return true;
}

template <class Element>
bool take(const toml::node& node, std::vector<Element>& values) {
  if (!node.is_array()) return false;
  std::vector<Element> taken;
  for (const auto& element : *node.as_array()) {
    if (!take(element, taken.emplace_back())) return false;
  }
  values = std::move(taken);
  return true;
}

constexpr const char* wanted(const std::int64_t*) {
  return "an integer";
}
constexpr const char* wanted(const double*) {
  return "a number";
}
constexpr const char* wanted(const bool*) {
  return "true or false";
}
constexpr const char* wanted(const std::string*) {
  return "a string";
}
constexpr const char* wanted(const Path*) {
  return "a string, the path of a file";
}
constexpr const char* wanted(const Integers*) {
  return "an array of integers";
}
constexpr const char* wanted(const Numbers*) {
  return "an array of numbers";
}

constexpr const char* wanted(const Names*) {
  return "an array of strings";
}

/// Where values come from: the words a message begins with, and what paths are relative to.
struct Origin {
  std::string name;
  Path folder;
  bool override = false;

  [[noreturn]] void fail(const std::string& text) const {
    std::string line = name + ": " + text;
    std::replace(line.begin(), line.end(), '\n', ' ');  // an override may hold a line break
    throw UserError(line);
  }
};

void assign(Job& job, const Key& key, const toml::node& node, const Origin& origin) {
  const auto fail = [&](const std::string& text) {
    origin.fail(origin.override ? text : fmt::format("{} = {}: {}", key.path, shown(node), text));
  };
  std::visit(
      [&](auto* field) {
        using Type = std::remove_reference_t<decltype(*field)>;
        bool taken = false;
        if constexpr (std::is_same_v<Type, bool>) {
          if ((taken = node.is_boolean())) *field = node.as_boolean()->get();
        } else if constexpr (std::is_same_v<Type, Path>) {
          if ((taken = node.is_string())) {
            const Path path = node.as_string()->get();
            *field = path.empty() ? path : (origin.folder / path).lexically_normal();
          }
        } else {
          taken = take(node, *field);
        }
        if (!taken) {
          // Of an array the type alone does not say what is wrong with its elements.
          fail(node.is_array() && (std::is_same_v<Type, Integers> ||
                                   std::is_same_v<Type, Numbers> || std::is_same_v<Type, Names>)
                   ? fmt::format("must be {}", wanted(field))
                   : fmt::format("must be {}, not {}", wanted(field), type_name(node)));
        }
      },
      key.field(job));
  job.given.insert(key.path);
  if (const auto complaint = key.complaint(job); !complaint.empty()) fail(complaint);
}

[[noreturn]] void fail_unknown(const std::string& path, const Origin& origin) {
  std::vector<std::string> candidates(sections().begin(), sections().end());
  for (const auto& key : job_keys()) candidates.push_back(key.path);
  const auto near = nearest_name(path, candidates);
  origin.fail(
      fmt::format("unknown key '{}'", path) +
      (near.empty() ? "; 'otfleet --keys' lists all" : fmt::format("; did you mean '{}'?", near)));
}

/// Takes the value of one key, or of every key in a table.
void apply(Job& job, const std::string& path, const toml::node& node, const Origin& origin) {
  if (const Key* key = find_key(path)) {
    assign(job, *key, node, origin);
  } else if (!path.empty() && !sections().contains(path)) {
    fail_unknown(path, origin);
  } else if (const Key* kind = find_key(path + ".kind"); kind && !node.is_table()) {
    assign(job, *kind, node, origin);
  } else if (const auto* table = node.as_table()) {
    for (const auto& [name, child] : *table) {
      const std::string part{name.str()};
      apply(job, path.empty() ? part : path + "." + part, child, origin);
    }
  } else {
    origin.fail(fmt::format("{} must be a table, not {}", path, type_name(node)));
  }
}

toml::table parse_file(const Path& file) {
  std::error_code error;
  std::ifstream stream(file);
  if (std::filesystem::is_directory(file, error) || !stream) {
    throw UserError(fmt::format("{}: {}", file.string(),
                                std::filesystem::exists(file, error)
                                    ? "cannot be read as a job file"
                                    : "no such job file"));
  }
  std::ostringstream text;
  text << stream.rdbuf();
  try {
    return toml::parse(text.str());
  } catch (const toml::parse_error& parse_error) {
    std::string description{parse_error.description()};
    std::replace(description.begin(), description.end(), '\n', ' ');
    throw UserError(
        fmt::format("{}:{}: {}", file.string(), parse_error.source().begin.line, description));
  }
}

void apply_override(Job& job, const std::string& text) {
  const Origin origin{"--set " + text, {}, true};
  const auto equals = text.find('=');
  const std::string path = detail::trimmed(text.substr(0, equals));
  if (equals == std::string::npos || path.empty()) {
    origin.fail("must have the form key.path=value");
  }
  const Key* key = find_key(path);
  if (key == nullptr) key = find_key(path + ".kind");
  Job scratch;
  std::optional<Field> field;
  if (key != nullptr) field = key->field(scratch);
  const toml::table table = detail::parse_override(detail::trimmed(text.substr(equals + 1)), field);
  apply(job, path, *table.get("value"), origin);
}

/// What epsilon means where only one of its keys is set, or none: a number alone is absolute.
void settle_epsilon(Job::Problem& problem, const std::string& file) {
  const bool has_value = !std::isnan(problem.epsilon), has_unit = !problem.epsilon_relative.empty();
  if (problem.epsilon_relative == "none" && !has_value)
    throw UserError(file + ": problem.epsilon_relative = 'none' needs problem.epsilon");
  if (!has_unit) problem.epsilon_relative = has_value ? "none" : Job().problem.epsilon_relative;
  if (!has_value) problem.epsilon = Job().problem.epsilon;
}

/// What no key alone can be blamed for.
void check_together(const Job& job, const std::string& file) {
  const auto fail = [&](const std::string& text) { throw UserError(file + ": " + text); };
  const auto& architecture = job.model.architecture;
  if (job.seeks_potentials()) {
    if (architecture == "pair_encoder")
      fail("model.architecture = 'pair_encoder' is for populations; use 'mlp' or 'icnn'");
    if (architecture == "icnn" && job.model.activation == "silu")
      fail("model.activation = 'silu' is not convex; with model.architecture = 'icnn' use 'elu'");
    if (job.model.predictor == "icnn" && job.model.activation == "silu")
      fail("model.activation = 'silu' is not convex; with model.predictor = 'icnn' use 'elu'");
    const bool learns = job.train.loss != "none";
    if (learns && job.model.predictor == "none")
      fail(fmt::format("train.loss = '{}' needs a model.predictor; without one use 'none'",
                       job.train.loss));
    if ((job.conjugate.solver == "none" || job.conjugate.max_steps == 0) &&
        (!learns || job.train.loss == "regression"))
      fail(
          fmt::format("conjugate.solver = 'none' leaves train.loss = '{}' without minimizers; use "
                      "'objective' or 'cycle'",
                      job.train.loss));
    const int given = !job.samples.pair.empty() + !job.samples.benchmark.empty() +
                      (!job.samples.source.empty() || !job.samples.target.empty());
    if (given > 1) fail("only one of samples.pair, samples.benchmark, samples.source can be given");
    if (job.samples.source.empty() != job.samples.target.empty())
      fail("samples.source and samples.target go together");
  } else {
    if (architecture == "icnn") fail("model.architecture = 'icnn' needs problem = 'potentials'");
    for (const auto& [name, given] :
         {std::pair{"samples.pair", !job.samples.pair.empty()},
          std::pair{"samples.benchmark", !job.samples.benchmark.empty()},
          std::pair{"samples.source", !job.samples.source.empty()},
          std::pair{"samples.target", !job.samples.target.empty()},
          std::pair{"map.points", !job.map.points.empty()}})
      if (given) fail(fmt::format("{} needs problem = 'potentials'", name));
    if (job.train.loss == "cycle" || job.train.loss == "none")
      fail(fmt::format("train.loss = '{}' needs problem = 'potentials'", job.train.loss));
  }
  if (job.problem.geometry == "grid" && job.problem.cost == "matrix") {
    fail("problem.cost = 'matrix' needs problem.geometry = 'dense'");
  }
  if (job.problem.transported_share > 0 && (job.problem.tau_a != 1 || job.problem.tau_b != 1)) {
    fail("problem.transported_share goes with problem.tau_a = problem.tau_b = 1 only");
  }
  const std::pair<const char*, const ArraySource*> sources[] = {
      {"train", &job.data.train},
      {"train_target", &job.data.train_target},
      {"test", &job.data.test},
      {"test_target", &job.data.test_target},
      {"cost", &job.data.cost},
      {"points", &job.data.points},
      {"target_points", &job.data.target_points}};
  const std::pair<const char*, const ArraySource*> samples[] = {
      {"samples.source", &job.samples.source},
      {"samples.target", &job.samples.target},
      {"map.points", &job.map.points}};
  for (const auto& [name, source] : samples) {
    if (source->empty() && !source->dataset.empty())
      fail(fmt::format("{}.dataset is set, but {}.file is not", name, name));
  }
  const auto& pairs = job.make.pairs;
  if (pairs.empty() && !pairs.dataset.empty())
    fail("make.pairs.dataset is set, but make.pairs.file is not");
  if (!pairs.empty() && pairs.kind != "random")
    fail(fmt::format("make.pairs.file names the pairs, and make.pairs = '{}' others; leave one out",
                     pairs.kind));
  for (const auto& [name, source] : sources) {
    if (source->empty() && !source->dataset.empty()) {
      fail(fmt::format("data.{}.dataset is set, but data.{}.file is not", name, name));
    }
  }
}

nlohmann::json to_json(const Field& field) {
  return std::visit(
      [](auto* value) -> nlohmann::json {
        if constexpr (std::is_same_v<decltype(value), Path*>) {
          return value->string();
        } else {
          return *value;
        }
      },
      field);
}

}  // namespace

nlohmann::json Job::resolved() const {
  Job copy = *this;  // the table hands out pointers to write through
  auto result = nlohmann::json::object();
  for (const auto& key : job_keys()) {
    std::string pointer = "/" + key.path;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    result[nlohmann::json::json_pointer(pointer)] = to_json(key.field(copy));
  }
  return result;
}

std::vector<std::pair<std::string, Path>> Job::named_files() const {
  Job copy = *this;
  std::vector<std::pair<std::string, Path>> files;
  for (const auto& key : job_keys()) {
    const Field field = key.field(copy);
    if (const auto* file = std::get_if<Path*>(&field); file != nullptr && !(*file)->empty())
      files.emplace_back(key.path, **file);
  }
  return files;
}

Job Job::defaults(const std::string& kind) {
  Job job;
  job.problem.kind = kind;
  if (kind == "potentials") {
    job.model.hidden = {128, 128, 64};
    job.train.batch = 1024;
    // Amos 2022 has 5e-4, 0.5 and 0.5; within minutes these come four times as near on the
    // Wasserstein-2 benchmark.
    job.train.learning_rate = 5e-3;
    job.train.beta2 = 0.99;
    job.train.weight_decay = 1e-4;
    job.train.clip = 0;
  }
  return job;
}

namespace {

/// "images.npz:train" is the array `train` of images.npz, and so for HDF5, unless a file has that
/// very name.
void split_array_names(Job& job) {
  const std::string suffix = ".file";
  for (const auto& key : job_keys()) {
    if (!key.path.ends_with(suffix)) continue;
    const Key* sibling = find_key(key.path.substr(0, key.path.size() - suffix.size()) + ".dataset");
    const Field field = key.field(job);
    if (sibling == nullptr || !std::holds_alternative<Path*>(field)) continue;
    Path& file = *std::get<Path*>(field);
    std::string& dataset = *std::get<std::string*>(sibling->field(job));
    const std::string text = file.string();
    const auto colon = text.rfind(':');
    std::error_code ignored;
    if (colon == std::string::npos || !dataset.empty() || std::filesystem::exists(file, ignored))
      continue;
    const Path before = text.substr(0, colon);
    const auto extension = before.extension();
    if (extension != ".npz" && extension != ".h5" && extension != ".hdf5") continue;
    dataset = text.substr(colon + 1);
    file = before;
  }
}

}  // namespace

Job read_job(const Path& file, const std::vector<std::string>& overrides) {
  const toml::table table = parse_file(file);
  const auto read = [&](Job job) {
    job.problem.epsilon = std::numeric_limits<double>::quiet_NaN();  // not set
    job.problem.epsilon_relative.clear();
    apply(job, "", table, {file.string(), file.parent_path(), false});
    for (const auto& text : overrides) apply_override(job, text);
    settle_epsilon(job.problem, file.string());
    return job;
  };
  // Which defaults the job's other keys have is known when it has been read once.
  Job job = read(Job());
  if (job.problem.kind != Job().problem.kind) job = read(Job::defaults(job.problem.kind));
  split_array_names(job);
  check_together(job, file.string());
  // What does not learn would be a start worse than none.
  if (job.train.loss == "none") job.model.predictor = "none";
  return job;
}

void require_population(const Job& job, const std::string& command, const std::string& instead) {
  if (!job.seeks_potentials()) return;
  throw UserError(fmt::format("otfleet {}: not for problem = 'potentials'; {}", command, instead));
}

void require_balanced(const Job& job, const std::string& command) {
  if (job.problem.balanced()) return;
  throw UserError(
      fmt::format("otfleet {}: problem.tau_a and problem.tau_b must be 1 and "
                  "problem.transported_share 0: only 'otfleet solve' knows other problems",
                  command));
}

void check_solver_fits(const Job& job) {
  if (job.problem.balanced()) return;
  const auto refuse = [](const std::string& key, const std::string& value,
                         const std::string& instead) {
    throw UserError(
        fmt::format("{} = '{}' is for balanced problems; with problem.tau_a, problem.tau_b or "
                    "problem.transported_share use '{}'",
                    key, value, instead));
  };
  const auto& solver = job.solver;
  if (solver.initializer != "zeros") refuse("solver.initializer", solver.initializer, "zeros");
  if (solver.method != "auto") refuse("solver.method", solver.method, "auto");
  if (solver.precision != "double") refuse("solver.precision", solver.precision, "double");
  if (job.solution.plan != "none") refuse("solution.plan", job.solution.plan, "none");
  if (job.solution.projection) refuse("solution.projection", "true", "false");
  if (!job.solution.regularized.empty())
    throw UserError(
        "solution.regularized is for balanced problems; where problem.tau_a, problem.tau_b or "
        "problem.transported_share is set, dual_value and primal_value have OTT's convention");
  if (job.solution.divergence &&
      (job.problem.transported_share > 0 || job.problem.tau_a != job.problem.tau_b))
    throw UserError(
        "solution.divergence needs problem.tau_a = problem.tau_b and problem.transported_share = "
        "0");
}

std::string describe_keys() {
  Job defaults;
  std::string text;
  for (const auto& key : job_keys()) {
    text +=
        fmt::format("{:<28} {:<26} {}\n", key.path, to_json(key.field(defaults)).dump(), key.doc);
  }
  return text;
}

}  // namespace otfleet
