#include "src/commands/own_data.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "distributed/error.hpp"
#include "distributed/output_guard.hpp"
#include "distributed/staged_path.hpp"
#include "src/commands/own_arrays.hpp"
#include "src/config/key_writer.hpp"
#include "src/config/nearest_name.hpp"
#include "src/config/shell_word.hpp"
#include "src/data/file_kinds.hpp"
#include "src/data/fingerprint.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population_parts.hpp"
#include "src/populations/split_pairs.hpp"
#include "src/reports/sizes_text.hpp"
#include "src/reports/solution_table.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;
using distributed::FileMark;

constexpr const char* job_beginning = "# otfleet solve wrote this job; checksum ";
/// More pairs of one set are solved only where they are asked for.
constexpr double most_unasked_pairs = 100'000;

/// The cost: a name, or the file of a matrix.
void add_cost(const OwnData& data, OwnKind kind, std::vector<std::string>& keys) {
  const auto known = kernels::find_ground_cost(data.cost);
  if (data.cost.empty() || known) {
    if (known && kind != OwnKind::points && data.points.empty() &&
        name_of(*known) != kernels::SquaredEuclideanCost::name)
      throw UserError(fmt::format(
          "--cost {}: images, and weights alone, lie on a grid, whose cost is "
          "squared_euclidean; name the coordinates of their points with --points FILE, [n, d]",
          data.cost));
    if (known) keys.push_back("problem.cost=" + data.cost);
    return;
  }
  std::error_code ignored;
  if (!fs::exists(named_array(data.cost).file, ignored))
    throw UserError(fmt::format("--cost {}: neither a file nor one of {}{}", data.cost,
                                fmt::join(ground_cost_names(), ", "),
                                did_you_mean(data.cost, ground_cost_names())));
  if (kind == OwnKind::points)
    throw UserError(
        "--cost " + data.cost +
        ": a cost matrix goes with weights, [n] or [M, n], not with points; leave out --kind "
        "points, --source-weights and --source-groups, or name a cost between points");
  if (!data.points.empty())
    throw UserError("--cost " + data.cost +
                    ": a cost matrix needs no --points; name one of the two");
  keys.insert(keys.end(), {"problem.cost=matrix", "data.cost.file=" + data.cost});
}

/// What an array with two lengths is in a job, where it is one image.
void add_grid(const OwnArray& array, std::vector<std::string>& keys) {
  if (array.kind == OwnKind::images && array.shape.size() == 2)
    keys.push_back(fmt::format("make.grid=[{}, {}]", array.shape[0], array.shape[1]));
  if (array.kind == OwnKind::images && array.shape.size() == 1)
    throw UserError(array.name + ": --kind images: an array of one dimension is no image");
}

/// Options as overrides of a job without keys.
std::vector<std::string> keys_of(const OwnData& data, const OwnArray& source) {
  std::vector<std::string> keys;
  const auto add = [&](const char* key, const std::string& name) {
    if (!name.empty()) keys.push_back(std::string(key) + ".file=" + name);
  };
  add("data.test", data.source);
  add("data.test_target", data.target);
  add("data.test.weights", data.source_weights);
  add("data.test_target.weights", data.target_weights);
  add("data.test.groups", data.source_groups);
  add("data.test_target.groups", data.target_groups);
  add("data.points", data.points);
  add("data.target_points", data.target_points);
  const bool matrix = !data.cost.empty() && !kernels::find_ground_cost(data.cost);
  keys.push_back(std::string("problem.geometry=") + (source.kind == OwnKind::points ? "clouds"
                                                     // Only points with weight take part.
                                                     : !data.points.empty() && source.is_sparse
                                                         ? "clouds"
                                                     : !data.points.empty() ? "points"
                                                     : matrix               ? "dense"
                                                                            : "grid"));
  add_cost(data, source.kind, keys);
  if (!matrix && data.points.empty()) add_grid(source, keys);
  if (data.epsilon) keys.push_back(fmt::format("problem.epsilon={}", *data.epsilon));
  if (!data.pairs.empty()) keys.push_back("make.pairs.kind=" + data.pairs);
  return keys;
}

void require_same_kind(const OwnArray& source, const OwnArray& target) {
  if (source.kind == target.kind) return;
  throw UserError(fmt::format(
      "{} looks like {}, but {} like {}; both must be of one kind: --kind {} or {} says which",
      source.name, word_of(source.kind), target.name, word_of(target.kind), word_of(source.kind),
      word_of(target.kind)));
}

/// Names within files, which were part of the files' names, count as given.
void note_datasets(Job& job) {
  for (const auto& key : job_keys(job))
    if (key.path.ends_with(".dataset") && !to_text(key.field).empty()) job.given.insert(key.path);
}

/// Which pairs are meant where no option says so.
PairKind usual_pairs(const OwnData& data, const PairSides& sides) {
  if (!sides.shared) {
    if (sides.sources == sides.targets) return PairKind::one_to_one;
    if (sides.sources == 1 || sides.targets == 1) return PairKind::all_pairs;
    throw UserError(fmt::format(
        "{} measures in {} and {} in {}: say --pairs all ({} problems) or --pairs one_to_all (the "
        "first source with every target, {})",
        sides.sources, data.source, sides.targets, data.target, sides.sources * sides.targets,
        sides.targets));
  }
  const double all =
      static_cast<double>(sides.sources) * static_cast<double>(sides.sources - 1) / 2;
  if (all > most_unasked_pairs)
    throw UserError(fmt::format(
        "{}: {} measures make {:.0f} pairs; say --pairs all to solve them all, --pairs one_to_all "
        "for the first with every other, or --set make.pairs=random --set make.test_problems=1000",
        data.source, sides.sources, all));
  return PairKind::all_pairs;
}

void choose_own_pairs(const OwnData& data, const OwnArray& source, OwnProblems& problems) {
  Job& job = problems.job;
  const auto sides = std::visit([](const auto& any) { return sides_of(any); }, problems.population);
  if (sides.shared && sides.sources == 1)
    throw UserError(data.source +
                    ": holds one measure; name another to transport it to with --target FILE; " +
                    taken_for(source, data));
  if (!job.sets("make.pairs.kind") && !job.sets("make.pairs.file")) {
    job.make.pairs.kind = usual_pairs(data, sides);
    job.given.insert("make.pairs.kind");
  }
  std::string remark;
  std::visit([&](auto& any) { add_pairs(any, job, Split::test, &remark); }, problems.population);
  problems.said += fmt::format("{}: pairs {}, cost {}{}\n",
                               counted(problems_of(problems.population), "problems"),
                               word_of(job.make.pairs.kind), cost_word(job.problem.cost),
                               remark.empty() ? "" : "; " + remark);
}

std::string without_line_breaks(std::string text) {
  for (char& letter : text)
    if (static_cast<unsigned char>(letter) < ' ' || letter == 127) letter = '?';
  return text;
}

/// The command that runs the written job.
std::string command_on(const char* command, const fs::path& output) {
  return fmt::format("otfleet {} {} --output {}", command,
                     shell_word((output / "job.toml").string()), shell_word(output.string()));
}

std::string text_of(Job& job, const std::string& command, const fs::path& output) {
  std::set<std::string> worth_changing;
  for (const char* key :
       {"problem.epsilon", "problem.epsilon_relative", "problem.tau_a", "problem.tau_b",
        "solver.threshold", "solver.max_iterations", "solver.initializer", "solution.plan",
        "solution.projection", "solution.divergence", "solution.csv"})
    if (!job.sets(key)) worth_changing.insert(key);
  if (job.problem.epsilon_relative == CostStatistic::none)
    worth_changing.erase("problem.epsilon_relative");
  const KeyList keys = job_keys(job);
  const std::string rest = fmt::format(
      "#\n#     {}\n#\n# After a change of it solve again with\n#\n#     {}\n#\n# [data] and "
      "[make] "
      "say what population.h5 was made from; solve reads that file alone. After a\n# change of "
      "them "
      "run\n#\n#     {}\n#\n# and name test.h5 as test_population below. Every key there is: "
      "otfleet "
      "--keys\n\n{}\n# Worth a change, as it is:\n#\n{}",
      without_line_breaks(command), without_line_breaks(command_on("solve", output)),
      without_line_breaks(command_on("make", output)), toml_text(keys, job.given, output),
      toml_text(keys, worth_changing, output, "# "));
  return job_beginning + digits_of(rest) + '\n' + rest;
}

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Does the checksum in the first line of a job that otfleet wrote fit the rest?
bool is_job_as_written(const std::string& text) {
  const std::string beginning = job_beginning;
  const auto end = text.find('\n');
  return text.starts_with(beginning) && end != std::string::npos &&
         text.substr(beginning.size(), end - beginning.size()) == digits_of(text.substr(end + 1));
}

/// Throws where `file` is ours but somebody has changed it.
void require_unedited(const fs::path& file, const FileMark& mark, bool as_written,
                      const fs::path& output) {
  if (!mark.is_on(file) || as_written) return;
  throw UserError(fmt::format(
      "{}: was edited after otfleet wrote it, so that it stays; solve it with '{}', or name "
      "another folder with --output",
      file.string(), command_on("solve", output)));
}

}  // namespace

fs::path own_output(const OwnData& data) {
  fs::path file = named_array(data.source).file.lexically_normal();
  if (!file.has_filename()) file = file.parent_path();  // "images/"
  if (file.extension() == ".gz") file.replace_extension();
  const auto stem = file.stem().string();
  return (stem.empty() || stem == "." || stem == ".." ? "own" : stem) + "-out";
}

OwnProblems read_own_data(const OwnData& data, const std::vector<std::string>& overrides) {
  OwnProblems problems;
  const auto source = look_at(data.source, data);
  problems.said = describe(source, data);
  if (!data.target.empty()) {
    const auto target = look_at(data.target, data);
    problems.said += describe(target, data);
    require_same_kind(source, target);
  }
  auto keys = keys_of(data, source);
  keys.insert(keys.end(), overrides.begin(), overrides.end());
  problems.job = read_overrides("command line", keys);
  note_datasets(problems.job);
  if (problems.job.problem.kind != ProblemKind::linear)
    throw UserError(
        fmt::format("--source is for transport between measures; for problem = '{}' write a job, "
                    "'otfleet init' shows how",
                    word_of(problems.job.problem.kind)));
  if (problems.job.maps_by_plans())
    throw UserError(
        "map.points go through plans that were solved before: run the command without it, then "
        "'otfleet solve DIR/job.toml --set files.solution=DIR/solution.h5 --set "
        "map.points.file=FILE --output DIR/map', with its --output as DIR");
  try {
    problems.population = build_any_measures(problems.job, Split::test);
  } catch (const UserError& error) {
    throw UserError(std::string(error.what()) + "; " + taken_for(source, data));
  }
  choose_own_pairs(data, source, problems);
  std::visit([&](const auto& any) { any.validate(data.source); }, problems.population);
  return problems;
}

namespace {

/// What the folder is to hold.
struct Files {
  fs::path job, population, output;
  std::string text;  ///< of the job
  const AnyPopulation& content;
};

void write(const Files& files) {
  const auto job_mark = FileMark::text("job", job_beginning);
  const auto population_mark = FileMark::hdf5(population_kind);
  const std::string before = read_text(files.job);
  const bool population_stays = is_as_written(files.population);
  require_unedited(files.job, job_mark, is_job_as_written(before), files.output);
  require_unedited(files.population, population_mark, population_stays, files.output);
  if (!population_stays ||
      written_content(files.population) != content_fingerprint_of(files.content))
    write_any_population(files.population, files.content);
  if (before == files.text) return;
  distributed::StagedPath staged(files.job, job_mark);
  std::ofstream stream(staged.temporary(), std::ios::binary);
  stream << files.text;
  stream.close();
  if (!stream) throw UserError(files.job.string() + ": cannot be written");
  staged.commit();
}

}  // namespace

void write_own_data(OwnProblems& problems, const std::string& command, const fs::path& output,
                    bool shared) {
  Job& job = problems.job;
  for (const auto& [key, file] : job.named_files()) distributed::protect_input(file, key);
  job.files.test_population = output / "population.h5";
  job.given.insert("files.test_population");
  const Files files{output / "job.toml", job.files.test_population, output,
                    text_of(job, command, output), problems.population};
  // Runs for other shares may begin at the same time; each one writes the same.
  constexpr int attempts = 10;
  for (int attempt = 1;; ++attempt) try {
      return write(files);
    } catch (const UserError&) {
      if (!shared || attempt == attempts) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
}

std::string own_data_results(const fs::path& output, bool of_a_share) {
  if (of_a_share)
    return "next: solve the other shares, then run the same command without --share, which puts "
           "them together\n";
  return solution_table(output / "solution.h5") +
         fmt::format(
             "next: edit {} (problem.epsilon, solver.threshold, solution.*), then run '{}'\n",
             (output / "job.toml").string(), command_on("solve", output));
}

}  // namespace otfleet
