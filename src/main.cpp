#include <mpi.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "distributed/communicator.hpp"
#include "distributed/error.hpp"
#include "src/blas_environment.hpp"
#include "src/command_line.hpp"
#include "src/exit_agreement.hpp"
#include "src/interruption.hpp"
#include "src/memory/available_memory.hpp"
#include "src/reports/convergence.hpp"

namespace otfleet {
namespace {

void set_up_log(const CommandLine& line, const distributed::Communicator& communicator) {
  auto log = spdlog::stderr_color_mt("otfleet");
  log->set_pattern("[%H:%M:%S] %^%v%$");
  log->set_level(!communicator.is_root() ? spdlog::level::off
                 : line.quiet            ? spdlog::level::err
                                         : spdlog::level::info);
  spdlog::set_default_logger(log);
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && !std::filesystem::is_directory(folder))
    error = std::make_error_code(std::errc::not_a_directory);
  if (!error && access(folder.c_str(), W_OK | X_OK) != 0) error = {errno, std::generic_category()};
  if (error) {
    throw UserError("--output " + folder.string() + ": cannot write there: " + error.message());
  }
}

void run(const CommandLine& line, const distributed::Communicator& communicator) {
  if (line.run == nullptr) {
    communicator.agree([&] {
      if (communicator.is_root()) run_info(line.file);
    });
    return;
  }
  Job job;
  communicator.agree([&] { job = read_job(line.file, line.overrides); });
  auto output = line.output;
  if (output.empty())
    output = std::filesystem::path(line.file.stem().string() + "-out") / line.command;
  communicator.agree([&] {
    if (communicator.is_root()) make_folder(output);
  });
  line.run({job, communicator, output, line.quiet, line.share, line.strict});
}

/// What is printed when a signal ends a command that cannot go on from where it is.
std::string words_of_an_early_end(const CommandLine& line) {
  return "otfleet: " + line.command + ": asked to end; it was not finished";
}

/// A failure is returned, not thrown, so that Kokkos is gone when the ranks agree how to end.
Outcome run_guarded(const CommandLine& line, const distributed::Communicator& communicator) {
  if (!line.error.empty()) return {2, line.error};
  try {
    set_up_log(line, communicator);
    const Kokkos::ScopeGuard kokkos;
    run(line, communicator);
    defer_interruption();  // what is done must not end as if it were not
    std::cout.flush();
    return {};
  } catch (const Interrupted& interrupted) {
    return {interrupted_exit_code, interrupted.what()};
  } catch (const NotConverged& failure) {
    return {not_converged_exit_code, failure.what()};
  } catch (const UserError& error) {
    return {2, error.what()};
  } catch (const std::exception& error) {
    if (const auto shortage = memory_shortage(error); !shortage.empty()) return {2, shortage};
    return {1, std::string("internal error: ") + error.what()};
  }
}

}  // namespace
}  // namespace otfleet

int main(int argc, char** argv) {
  const auto line = otfleet::parse_command_line(argc, argv);
  if (!line.text.empty()) {
    std::cout << line.text;
    return 0;
  }
  otfleet::prepare_blas_environment(argv);
  otfleet::end_on_interruption();
  try {
    // MPI crashes or waits forever where it gets no memory.
    constexpr double libraries = 250e6;
    otfleet::require_memory("the program", {{"its libraries", libraries}}, 1,
                            "a larger limit is needed");
  } catch (const otfleet::UserError& error) {
    std::fprintf(stderr, "otfleet: %s\n", error.what());
    _exit(2);  // what libraries do at an end may need memory, too
  }
  MPI_Init(&argc, &argv);
  int code = 0;
  {
    // Freed after the agreement: freeing is collective, and a rank may come here alone.
    const auto communicator = otfleet::distributed::Communicator::world();
    if (communicator.is_root()) otfleet::set_last_words(otfleet::words_of_an_early_end(line));
    const auto outcome = otfleet::run_guarded(line, communicator);
    // mpirun ends the ranks that are left when the first one is gone with an error: by then all is
    // said.
    otfleet::defer_interruption();
    code = otfleet::agree_on_exit(outcome);
  }
  MPI_Finalize();
  return code;
}
