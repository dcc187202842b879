#include <mpi.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>

#include "distributed/communicator.hpp"
#include "distributed/error.hpp"
#include "distributed/folder_lock.hpp"
#include "src/blas_environment.hpp"
#include "src/command_line.hpp"
#include "src/device_check.hpp"
#include "src/exit_agreement.hpp"
#include "src/interruption.hpp"
#include "src/memory/available_memory.hpp"
#include "src/mpi_environment.hpp"
#include "src/refusals.hpp"
#include "src/reports/convergence.hpp"
#include "src/runs/absolute_epsilon.hpp"
#include "src/runs/output_files.hpp"
#include "src/standard_output.hpp"
#include "src/start_jobs.hpp"

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

/// `lock` keeps the output folder for as long as any rank may write there.
void run(const CommandLine& line, const distributed::Communicator& communicator,
         std::optional<distributed::FolderLock>& lock) {
  if (line.self_test) {
    communicator.agree([&] {
      bool good = true;
      const auto text = self_test_text(good);
      if (communicator.is_root()) std::cout << text;
      if (!good) throw UserError("the self-test found a fault");
    });
    return;
  }
  if (line.run == nullptr) {
    communicator.agree([&] {
      if (!communicator.is_root()) return;
      if (line.command == "report")
        run_report(line.file, line.output);
      else
        run_info(line.file, line.values);
    });
    return;
  }
  auto output = line.output;
  if (output.empty() && line.own_data.given()) output = own_output(line.own_data);
  const auto take_folder = [&] {
    if (lock) return;
    make_folder(output);
    std::optional<distributed::FolderLock::Share> share;
    if (line.share) share = {line.share->index, line.share->count};
    lock.emplace(output, line.command, share);
  };
  auto job_file = line.file;
  auto overrides = line.overrides;
  if (line.own_data.given()) {
    job_file = output / "job.toml";
    overrides.clear();  // they are in the job
    communicator.agree([&] {
      if (!communicator.is_root()) return;
      auto problems = read_own_data(line.own_data, line.overrides);
      take_folder();
      write_own_data(problems, line.typed, output, line.share.has_value());
      if (!line.quiet) std::cout << problems.said << std::flush;
    });
  }
  Job job;
  communicator.agree([&] {
    job = read_job(job_file, overrides);
    check_command_fits(job, line.command);
  });
  if (output.empty())
    output = std::filesystem::path(line.file.stem().string() + "-out") /
             results_folder(job, line.command);
  communicator.agree([&] {
    protect_job_files(job, job_file, line.command);
    if (!communicator.is_root()) return;
    take_folder();
    check_output_files(job, line.command, output, line.share);
  });
  const CommandContext context{job,        communicator, output,  line.quiet,
                               line.share, line.strict,  job_file};
  make_epsilon_absolute(context, line.command, job);
  if (!line.own_data.given()) return line.run(context);
  try {
    line.run(context);
  } catch (const NotConverged&) {
    if (context.prints()) std::cout << own_data_results(output, line.share.has_value());
    throw;
  }
  if (context.prints()) std::cout << own_data_results(output, line.share.has_value());
}

/// What is printed when a signal ends a command that cannot go on from where it is.
std::string words_of_an_early_end(const CommandLine& line) {
  return "otfleet: " + line.command + ": asked to end; it was not finished";
}

/// A failure is returned, not thrown, so that Kokkos is gone when the ranks agree how to end.
Outcome run_guarded(const CommandLine& line, const distributed::Communicator& communicator,
                    std::optional<distributed::FolderLock>& lock) {
  if (!line.error.empty()) return {2, line.error};
  try {
    set_up_log(line, communicator);
    std::optional<kernels::Runtime> runtime;
    // `info` and `report` look at files alone, also where there is no device.
    if (line.run != nullptr || line.self_test) start_device(communicator, runtime);
    run(line, communicator, lock);
    defer_interruption();  // what is done must not end as if it were not
    finish_standard_output();
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

/// What needs neither ranks nor a device: --help, --version, --keys and init. Returns the exit
/// code.
int print(const CommandLine& line) {
  try {
    std::cout << (line.starts_job ? start_job(line.kind, line.file) : line.text);
    finish_standard_output();
    return 0;
  } catch (const UserError& error) {
    std::cerr << "otfleet: " << error.what() << '\n';
    return 2;
  }
}

}  // namespace
}  // namespace otfleet

int main(int argc, char** argv) {
  otfleet::reserve_standard_streams();
  const auto line = otfleet::parse_command_line(argc, argv);
  if (!line.text.empty()) {
    return otfleet::print(line);
  }
  if (line.starts_job && line.error.empty()) return otfleet::print(line);
  // Where files are only looked at, nothing is computed.
  if (line.run != nullptr || line.self_test) otfleet::prepare_blas_environment(argv);
  otfleet::prepare_mpi_environment();
  otfleet::end_on_interruption();
  try {
    // MPI crashes or waits forever where it gets no memory, and HDF5 crashes.
    constexpr double libraries = 160e6;
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
    std::optional<otfleet::distributed::FolderLock> lock;
    const auto outcome = otfleet::run_guarded(line, communicator, lock);
    // mpirun ends the ranks that are left when the first one is gone with an error: by then all is
    // said.
    otfleet::defer_interruption();
    code = otfleet::agree_on_exit(outcome);
  }
  MPI_Finalize();
  return code;
}
