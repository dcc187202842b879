#include "src/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "src/config/nearest_name.hpp"
#include "src/own_data_options.hpp"
#include "src/reports/versions.hpp"

namespace otfleet {
namespace {

struct JobCommand {
  const char* name;
  const char* description;
  void (*run)(const CommandContext&);
};

constexpr JobCommand job_commands[] = {
    {"make", "Build train.h5 and test.h5, populations of problems, from arrays of measures",
     run_make},
    {"train", "Train the model that predicts starts, on train.h5", run_train},
    {"solve", "Solve a population and write potentials, costs and errors", run_solve},
    {"evaluate", "Compare the initializers on held-out problems", run_evaluate},
    {"scale", "Measure how solve and train scale with the ranks, and predict how they go on",
     run_scale},
};

/// For names of files and folders: CLI11 takes an empty one for none.
const CLI::Validator not_empty(
    [](const std::string& text) {
      return text.empty() ? std::string("is empty; a name was expected") : std::string();
    },
    "");

void add_job_options(CLI::App& app, CommandLine& line, bool needs_job) {
  app.add_option("job", line.file, "The job file")
      ->required(needs_job)
      ->check(not_empty)
      ->type_name("JOB.toml");
  app.add_option("--set", line.overrides, "Override a key of the job file; may be repeated")
      ->type_name("KEY.PATH=VALUE")
      ->allow_extra_args(false);
  app.add_option("--output", line.output,
                 "Folder for the results (default: <job>-out/<command>, or <source>-out)")
      ->check(not_empty)
      ->type_name("DIR");
  app.add_flag("--quiet", line.quiet, "Print nothing but errors");
}

void add_share_option(CLI::App& app, CommandLine& line) {
  app.add_option_function<std::string>(
         "--share",
         [&line](const std::string& text) {
           Share share;
           char rest = 0;
           if (std::sscanf(text.c_str(), "%d/%d%c", &share.index, &share.count, &rest) != 2 ||
               share.index < 0 || share.index >= share.count)
             throw CLI::ValidationError("--share", "'" + text +
                                                       "' was given, K/N with 0 <= K < N was "
                                                       "expected, such as 3/16");
           line.share = share;
         },
         "Solve part K of N only, K from 0; when all are solved, a run without --share puts them "
         "together")
      ->type_name("K/N");
}

/// What is wrong with the command line. CLI11 says of a misspelled command only that one is
/// missing.
std::string explain(const CLI::ParseError& error, int argc, char** argv, const CLI::App& app) {
  const std::string see = "; see otfleet --help";
  if (argc >= 2 && argv[1][0] != '-') {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
    if (std::find(names.begin(), names.end(), argv[1]) == names.end()) {
      const auto near = nearest_name(argv[1], names);
      return std::string("no command '") + argv[1] + "'" +
             (near.empty() ? see : "; did you mean '" + near + "'?");
    }
  }
  for (int k = 2; k < argc; ++k)  // "solve a.npy b.npy": the second is one word too many
    if (argv[k - 1][0] != '-' && argv[k][0] != '-' && argv[1] == std::string("solve") &&
        is_name_of_an_array(argv[k]))
      return array_in_place_of_a_job(argv[k]);
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text + see;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Batched optimal transport with learned starts, from a laptop to a cluster",
               "otfleet");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done; 1 a fault of otfleet; 2 a mistake in the command line, a job or a "
      "file;\n"
      "3 with --strict: a problem did not converge;\n"
      "75 asked to end by SIGTERM, SIGINT, SIGHUP or SIGUSR1 before it was done: train and solve "
      "then "
      "go on\nif run again.");
  app.set_version_flag("--version", [] { return version_text(); });
  struct KeysAsked {};
  app.add_flag_callback(
      "--keys", [] { throw KeysAsked{}; }, "List every key of a job file with its default");

  struct SelfTestAsked {};
  app.add_flag_callback(
      "--self-test", [] { throw SelfTestAsked{}; },
      "Check that kernels compute on this device what the host computes");

  for (const auto& command : job_commands) {
    auto& options = *app.add_subcommand(command.name, command.description);
    const bool solves = command.run == run_solve;
    add_job_options(options, line, !solves);
    if (solves) {
      add_share_option(options, line);
      add_own_data_options(options, line.own_data);
    }
    if (command.run == run_solve || command.run == run_evaluate)
      options.add_flag("--strict", line.strict,
                       "Exit with code 3 when a problem did not converge; all is written first");
  }
  auto* init = app.add_subcommand("init", "Write a commented job for a kind of data to begin with");
  init->add_option("kind", line.kind, "images, points, ...; without it a list of the kinds")
      ->type_name("KIND");
  init->add_option("file", line.file, "The job file to write; without it the job is printed")
      ->check(not_empty)
      ->type_name("JOB.toml");
  auto* info =
      app.add_subcommand("info", "Show what a population, solution or checkpoint file holds");
  info->add_option("file", line.file, "The file")
      ->required()
      ->check(not_empty)
      ->type_name("FILE.h5");
  info->add_flag("--values", line.values,
                 "Print the columns of a solution that have one number a problem, as CSV");

  auto* report =
      app.add_subcommand("report", "Write one HTML page of a run: pictures, tables, settings");
  report->add_option("folder", line.file, "The output folder of a command, or one with several")
      ->required()
      ->check(not_empty)
      ->type_name("DIR");
  report->add_option("--output", line.output, "The page (default: DIR/report.html)")
      ->check(not_empty)
      ->type_name("FILE.html");

  try {
    app.parse(argc, argv);
    line.command = app.get_subcommands().front()->get_name();
    for (const auto& command : job_commands) {
      if (line.command == command.name) line.run = command.run;
    }
    line.starts_job = init->parsed();
    line.typed = quoted_command(argc, argv);
    if (line.command == "solve") line.error = own_data_complaint(line.file.string(), line.own_data);
    if (line.error.empty() && line.run != nullptr && is_name_of_an_array(line.file.string()))
      line.error = array_in_place_of_a_job(line.file.string());
  } catch (const KeysAsked&) {
    line.text = describe_keys();
  } catch (const SelfTestAsked&) {
    line.self_test = true;
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    line.text = (chosen.empty() ? app : *chosen.front()).help(chosen.empty() ? "" : "otfleet");
  } catch (const CLI::CallForVersion& version) {
    line.text = std::string(version.what()) + "\n";
  } catch (const CLI::ParseError& error) {
    line.error = explain(error, argc, argv, app);
  }
  return line;
}

}  // namespace otfleet
