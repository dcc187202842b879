#pragma once
#include <fcntl.h>
#include <signal.h>
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

/// A program on its way, words[0] in `folder`; the destructor waits for it.
class StartedProgram {
 public:
  StartedProgram(std::vector<std::string> words, const std::filesystem::path& folder) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out_.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err_.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    const int error =
        posix_spawnp(&child_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + words[0]);
  }
  ~StartedProgram() {
    if (!ended_) waitpid(child_, nullptr, 0);
  }
  StartedProgram(const StartedProgram&) = delete;
  StartedProgram& operator=(const StartedProgram&) = delete;

  bool running() {
    if (!ended_) ended_ = waitpid(child_, &status_, WNOHANG) == child_;
    return !ended_;
  }

  /// Sends a signal, unless the program has ended already.
  void send(int signal) {
    if (running()) ::kill(child_, signal);
  }

  /// Sends a signal to its process group, as a terminal does: words[0] has to be "setsid".
  void send_to_group(int signal) {
    if (running()) ::kill(-child_, signal);
  }

  /// What it has said on stderr so far.
  std::string said() const { return read_bytes(err_); }

  ProgramResult wait() {
    if (!ended_) waitpid(child_, &status_, 0);
    ended_ = true;
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), read_bytes(out_),
            read_bytes(err_)};
  }

 private:
  const TemporaryFolder streams_;
  const std::filesystem::path out_ = streams_ / "out", err_ = streams_ / "err";
  pid_t child_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

/// Runs words[0] in `folder`, waits, and returns what it did.
inline ProgramResult run_words(std::vector<std::string> words,
                               const std::filesystem::path& folder) {
  return StartedProgram(std::move(words), folder).wait();
}

/// The build's otfleet, alone.
inline ProgramResult run_otfleet(std::vector<std::string> arguments,
                                 const std::filesystem::path& folder) {
  arguments.insert(arguments.begin(), OTFLEET_PROGRAM);
  return run_words(std::move(arguments), folder);
}

/// The command line that runs the build's otfleet on `ranks` ranks.
inline std::vector<std::string> words_on_ranks(int ranks,
                                               const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {OTFLEET_MPIEXEC, "--oversubscribe", OTFLEET_MPIEXEC_COUNT_FLAG,
                                    std::to_string(ranks), OTFLEET_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

/// The same, every rank leaving its process number in NAME.<rank>.
inline std::vector<std::string> words_on_ranks_with_pids(
    int ranks, const std::string& name, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {
      OTFLEET_MPIEXEC,
      "--oversubscribe",
      OTFLEET_MPIEXEC_COUNT_FLAG,
      std::to_string(ranks),
      "bash",
      "-c",
      "echo $$ >" + name + ".$OMPI_COMM_WORLD_RANK; exec \"$0\" \"$@\"",
      OTFLEET_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

/// The build's otfleet on `ranks` ranks.
inline ProgramResult run_otfleet_on_ranks(int ranks, const std::vector<std::string>& arguments,
                                          const std::filesystem::path& folder) {
  return run_words(words_on_ranks(ranks, arguments), folder);
}

}  // namespace otfleet::testing
