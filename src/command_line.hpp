#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/commands/commands.hpp"
#include "src/commands/own_data.hpp"

namespace otfleet {

/// One parsed command line. `run` is set for commands that take a job; `info` takes a file,
/// `report` a folder.
struct CommandLine {
  std::string command;
  void (*run)(const CommandContext&) = nullptr;
  std::filesystem::path file;  ///< the job, or what `info` or `report` shows
  std::vector<std::string> overrides;
  std::filesystem::path output;  ///< empty: <job stem>-out/<command>; report: the page
  bool quiet = false;
  bool values = false;  ///< info: the numbers of a solution
  std::optional<Share> share;
  bool strict = false;
  OwnData own_data;   ///< solve: instead of a job
  std::string typed;  ///< the whole line, as a shell takes it

  bool self_test = false;  ///< --self-test: no command

  bool starts_job = false;  ///< init
  std::string kind;         ///< init: of data
  std::string text;         ///< --help, --version, --keys: what to print instead
  std::string error;        ///< a mistake in the command line
};

/// Local; touches neither MPI nor Kokkos, and does not print. Never throws for what a user typed.
CommandLine parse_command_line(int argc, char** argv);

}  // namespace otfleet
