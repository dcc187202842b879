#include "src/own_data_options.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "src/commands/own_arrays.hpp"
#include "src/config/shell_word.hpp"
#include "src/data/array_source.hpp"

namespace otfleet {
namespace {

constexpr const char* group = "Your own data, instead of a job";

/// CLI11's own words for this have the largest double in them, digit by digit.
const CLI::Validator above_zero(
    [](const std::string& text) {
      double value = 0;
      return CLI::detail::lexical_cast(text, value) && value > 0 && std::isfinite(value)
                 ? std::string()
                 : "'" + text + "' was given, a number above 0 was expected, such as 0.01";
    },
    "");

}  // namespace

void add_own_data_options(CLI::App& app, OwnData& data) {
  auto* source =
      app.add_option("--source", data.source,
                     "Points [n, d], images [M, h, w] or weights [M, n]: .npy, .npz:NAME, "
                     ".h5:NAME, .h5ad:X, .csv, IDX, or a folder of gray PNG images")
          ->type_name("FILE")
          ->group(group);
  const auto add = [&](const char* name, std::string& value, const char* doc,
                       const char* type = "FILE") {
    return app.add_option(name, value, doc)->type_name(type)->group(group)->needs(source);
  };
  add("--target", data.target, "The other side; without it pairs are of the source's measures");
  add("--cost", data.cost,
      "squared_euclidean, euclidean, cosine, ..., or the file of a cost matrix [n, m] between "
      "weights",
      "NAME|FILE");
  app.add_option("--epsilon", data.epsilon,
                 "Entropic regularization in units of the cost (default: 0.05 times its mean)")
      ->group(group)
      ->needs(source)
      ->check(above_zero)
      ->type_name("NUMBER");
  add("--pairs", data.pairs,
      "one_to_one (both sides have as many), all, one_to_all (the first with every other)", "WORD")
      ->check(CLI::IsMember({"one_to_one", "all", "one_to_all"}));
  add("--kind", data.kind, "What the arrays are, where their shape does not say it", "WORD")
      ->check(CLI::IsMember(words_of<OwnKind>()));
  add("--points", data.points, "Points [n, d] that weights [M, n] lie on");
  add("--target-points", data.target_points, "The same of the target; without it the source's");
  add("--source-weights", data.source_weights, "Weights of points, [n] or [M, n]; default: equal");
  add("--target-weights", data.target_weights, "The same of the target");
  add("--source-groups", data.source_groups,
      "An integer for each point [N]: points of one integer are a measure, such as cell types");
  add("--target-groups", data.target_groups, "The same of the target");
}

std::string own_data_complaint(const std::string& job, const OwnData& data) {
  if (job.empty() && !data.given())
    return "solve: name a job file, or for a first look at your own data --source FILE; 'otfleet "
           "init' writes a job to begin with; see otfleet solve --help";
  if (!job.empty() && data.given())
    return "solve: " + job +
           " and --source: either is enough; a key of the job is changed with --set KEY=VALUE";
  if (data.target.empty())
    for (const auto& [name, value] : {std::pair{"--target-weights", &data.target_weights},
                                      std::pair{"--target-groups", &data.target_groups},
                                      std::pair{"--target-points", &data.target_points}})
      if (!value->empty())
        return std::string(name) + " says something of the target; name it with --target FILE";
  if (!data.target_points.empty() && data.points.empty())
    return "--target-points needs the source's points, too: --points FILE";
  return {};
}

bool is_name_of_an_array(const std::string& name) {
  std::error_code ignored;
  auto file = named_array(name).file;
  if (std::filesystem::is_directory(file, ignored)) return true;
  if (file.extension() == ".gz") file.replace_extension();
  const auto endings = {".npy", ".npz", ".csv", ".tsv", ".txt", ".png", ".h5", ".hdf5", ".h5ad"};
  return std::find(endings.begin(), endings.end(), file.extension()) != endings.end();
}

std::string array_in_place_of_a_job(const std::string& name) {
  return name + ": is no job file; to solve data say 'otfleet solve --source " + name +
         " --target FILE'; for a population name it in a job, --set files.test_population=" + name;
}

std::string quoted_command(int argc, char** argv) {
  std::string text = "otfleet";
  for (int k = 1; k < argc; ++k) text += ' ' + shell_word(argv[k]);
  return text;
}

}  // namespace otfleet
