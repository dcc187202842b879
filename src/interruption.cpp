#include "src/interruption.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>

#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

/// How long after SIGTERM Open MPI's mpirun leaves a rank, less what it takes to say something.
constexpr suseconds_t launcher_patience = 800000;  // microseconds of a second

volatile std::sig_atomic_t deferred = 0, noted = 0, patience = 0, under_mpirun = 0,
                           launcher_kills = 0, said = 0;

// Set before it is used, and then left: a handler may read it at any time.
char last_words[257];
volatile std::sig_atomic_t last_words_length = 0;

void say_last_words() {
  if (last_words_length == 0 || said != 0) return;
  said = 1;
  // Nothing is left to be done about words that cannot be written.
  if (write(STDERR_FILENO, last_words, static_cast<std::size_t>(last_words_length)) < 0) {
  }
}

/// One SIGALRM after less than a second. Like alarm(), it is one system call.
void wake_soon(suseconds_t microseconds) {
  struct itimerval time = {};
  time.it_value.tv_usec = microseconds;
  setitimer(ITIMER_REAL, &time, nullptr);
}

// Only what POSIX calls safe in a signal handler, and system calls.
extern "C" void on_interruption(int signal, siginfo_t* info, void*) {
  if (signal == SIGALRM && launcher_kills != 0) return say_last_words();  // and work to the end
  if (deferred != 0 && signal != SIGALRM) {
    const bool first = noted == 0;
    noted = 1;
    if (signal == SIGTERM && under_mpirun != 0 && launcher_kills == 0 &&
        info->si_pid == getppid()) {
      launcher_kills = 1;
      wake_soon(launcher_patience);
    } else if (first && patience > 0) {
      alarm(static_cast<unsigned>(patience));
    }
    return;
  }
  distributed::StagedPath::remove_temporaries();
  say_last_words();
  _exit(interrupted_exit_code);
}

bool is_ignored(int signal) {
  struct sigaction action = {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

void end_on_interruption() {
  under_mpirun = std::getenv("OMPI_COMM_WORLD_RANK") != nullptr;
  struct sigaction action = {};
  action.sa_sigaction = on_interruption;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  constexpr int signals[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGALRM};
  for (const int signal : signals) sigaddset(&action.sa_mask, signal);
  for (const int signal : signals) {
    if (signal == SIGHUP && is_ignored(SIGHUP)) continue;  // nohup
    sigaction(signal, &action, nullptr);
  }
}

void set_last_words(const std::string& line) {
  last_words_length = 0;
  const std::size_t length = std::min(line.size(), sizeof last_words - 1);
  std::copy_n(line.data(), length, last_words);
  last_words[length] = '\n';
  last_words_length = static_cast<std::sig_atomic_t>(length + 1);
}

bool replace_last_words() {
  const bool first = said == 0;
  said = 1;
  return first;
}

void defer_interruption(unsigned seconds) {
  patience = static_cast<std::sig_atomic_t>(seconds);
  deferred = 1;
  if (launcher_kills == 0) alarm(0);
}

bool interruption_requested() {
  return noted != 0;
}

EndAtOnce::EndAtOnce() {
  deferred = 0;
}

EndAtOnce::~EndAtOnce() {
  deferred = 1;
}

void outlive_closed_streams() {
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace otfleet
