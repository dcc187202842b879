#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet::testing {

/// How a program ended: its exit code (128 + the signal's number if one ended it) and its words.
struct ProgramResult {
  int code = 0;
  std::string out, err;
};

/// Runs words[0] in `folder`, waits, and returns what it did.
inline ProgramResult run_words(std::vector<std::string> words,
                               const std::filesystem::path& folder) {
  const TemporaryFolder streams;
  const auto out = streams / "out", err = streams / "err";
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + words[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_bytes(out),
          read_bytes(err)};
}

/// The build's otfleet, alone.
inline ProgramResult run_otfleet(std::vector<std::string> arguments,
                                 const std::filesystem::path& folder) {
  arguments.insert(arguments.begin(), OTFLEET_PROGRAM);
  return run_words(std::move(arguments), folder);
}

/// The build's otfleet on `ranks` ranks.
inline ProgramResult run_otfleet_on_ranks(int ranks, std::vector<std::string> arguments,
                                          const std::filesystem::path& folder) {
  std::vector<std::string> words = {OTFLEET_MPIEXEC, "--oversubscribe", OTFLEET_MPIEXEC_COUNT_FLAG,
                                    std::to_string(ranks), OTFLEET_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run_words(std::move(words), folder);
}

}  // namespace otfleet::testing
