#pragma once
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "distributed/communicator.hpp"
#include "src/job.hpp"

namespace otfleet {

/// What a command leaves behind: DIR/report.json with `otfleet_kind` = "report", `command`,
/// `configuration` (as resolved), `versions` (every library and otfleet itself), `revision` (git),
/// `ranks`, `execution_space`, `seconds` (per phase, the slowest rank) and the command's own
/// figures at the top level; `epsilon` where it was relative to the cost, and the configuration has
/// what became of it.
class Report {
 public:
  Report(std::string command, const Job& job, const distributed::Communicator& communicator);

  nlohmann::json& figures() { return figures_; }

  /// Adds wall seconds to a phase; local.
  void add_seconds(const std::string& phase, double seconds) { seconds_[phase] += seconds; }

  /// Collective; rank 0 writes DIR/<name> (temporary name, then renamed). The phases are those
  /// of rank 0; a rank that did not add one counts as zero there.
  void write(const std::filesystem::path& directory, const std::string& name = "report.json") const;

 private:
  std::string command_;
  nlohmann::json configuration_;
  ProblemOptions::Relative given_epsilon_;
  distributed::Communicator communicator_;
  nlohmann::json figures_ = nlohmann::json::object();
  std::map<std::string, double> seconds_;
};

/// Times a scope by the wall and adds it to a phase of the report, also when the scope throws. The
/// scope must end after its own device work: fence before. Local.
class PhaseTimer {
 public:
  PhaseTimer(Report& report, std::string phase)
      : report_(report), phase_(std::move(phase)), begin_(std::chrono::steady_clock::now()) {}
  ~PhaseTimer() {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin_;
    report_.add_seconds(phase_, taken.count());
  }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  Report& report_;
  std::string phase_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace otfleet
