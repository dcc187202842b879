#include "src/interruption.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>

#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

volatile std::sig_atomic_t deferred = 0, noted = 0, patience = 0;

// Set before it is used, and then left: a handler may read it at any time.
char last_words[257];
volatile std::sig_atomic_t last_words_length = 0;

// Only what POSIX calls safe in a signal handler.
extern "C" void on_interruption(int signal) {
  if (deferred != 0 && signal != SIGALRM) {
    if (noted == 0 && patience > 0) alarm(static_cast<unsigned>(patience));
    noted = 1;
    return;
  }
  distributed::StagedPath::remove_temporaries();
  // Nothing is left to be done about words that cannot be written.
  if (last_words_length > 0 && write(STDERR_FILENO, last_words, last_words_length) < 0) {
  }
  _exit(interrupted_exit_code);
}

}  // namespace

void end_on_interruption() {
  struct sigaction action = {};
  action.sa_handler = on_interruption;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGUSR1, SIGTERM, SIGALRM}) {
    sigaddset(&action.sa_mask, signal);
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

void defer_interruption(unsigned seconds) {
  patience = static_cast<std::sig_atomic_t>(seconds);
  deferred = 1;
  alarm(0);
}

bool interruption_requested() {
  return noted != 0;
}

}  // namespace otfleet
