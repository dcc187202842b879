#pragma once
#include <stdexcept>
#include <string>

// The signals that ask a run to end: SIGTERM and SIGUSR1, which batch systems and mpirun send,
// SIGINT (Ctrl-C), and SIGHUP (a closed terminal) unless it was ignored from the start (nohup).

namespace otfleet {

/// Exit code of a run that was asked to end before it was done: EX_TEMPFAIL of sysexits.h, "try
/// again".
constexpr int interrupted_exit_code = 75;

/// A run that was asked to end, and did so in order; the message says where it stands. Not an
/// error: main() prints it and exits with interrupted_exit_code.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// From now on these signals end this process at once: files that are not complete are removed
/// (distributed::StagedPath), and the exit code is interrupted_exit_code. Local; needs neither MPI
/// nor Kokkos.
void end_on_interruption();

/// What such an end prints to stderr, one line; nothing unless set. Local: one rank sets it, so
/// that the line stands once. At most 255 bytes are kept.
void set_last_words(const std::string& line);

/// Called by who has better words, before it prints them: false where the last words are out
/// already, which then are enough; they will not be printed any more. Local.
bool replace_last_words();

/// From now on these signals end nothing and are only noted: for work that ends in order, and
/// for what is left when the work is done. They come more than once. With `patience` above zero,
/// work that has not called this again by so many seconds after a signal ends as before: it cannot
/// look up often enough. Local.
///
/// Open MPI's mpirun kills its ranks a second after it has sent them SIGTERM: where that comes from
/// it, last words are printed shortly before, and the work goes on for as long as it is left.
void defer_interruption(unsigned patience = 0);

/// Whether a signal has come since defer_interruption() was first called. Local, and signals may
/// reach some ranks only: who acts on it agrees first.
bool interruption_requested();

/// While it lives, these signals end the process at once again, after defer_interruption(): for
/// long work in which nothing is lost. Local.
class EndAtOnce {
 public:
  EndAtOnce();
  ~EndAtOnce();
  EndAtOnce(const EndAtOnce&) = delete;
  EndAtOnce& operator=(const EndAtOnce&) = delete;
};

/// From now on words that nobody reads any more (a terminal or an mpirun that is gone) end nothing:
/// for work that is worth more than them. Local.
void outlive_closed_streams();

}  // namespace otfleet
