#include "src/reports/report.hpp"

#include <fstream>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/file_kinds.hpp"
#include "src/reports/versions.hpp"

namespace otfleet {
namespace {

void write_json(const std::filesystem::path& file, const nlohmann::json& json) {
  distributed::StagedPath staged(file, distributed::FileMark::json(report_kind));
  std::ofstream stream(staged.temporary());
  stream << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  stream.close();
  if (!stream) throw UserError(file.string() + ": cannot be written");
  staged.commit();
}

}  // namespace

Report::Report(std::string command, const Job& job, const distributed::Communicator& communicator)
    : command_(std::move(command)),
      configuration_(job.resolved()),
      given_epsilon_(job.problem.given),
      communicator_(communicator) {}

void Report::write(const std::filesystem::path& directory, const std::string& name) const {
  // Rank 0's phases, one to a line, so that every rank reduces the same ones in the same order.
  std::string names;
  for (const auto& [phase, seconds] : seconds_) names += phase + '\n';
  names = communicator_.broadcast(names);

  auto slowest = nlohmann::json::object();
  for (std::size_t begin = 0, end; (end = names.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const auto phase = names.substr(begin, end - begin);
    const auto found = seconds_.find(phase);
    slowest[phase] = communicator_.all_reduce(found == seconds_.end() ? 0.0 : found->second,
                                              distributed::Reduction::max);
  }

  communicator_.agree([&] {
    if (!communicator_.is_root()) return;
    nlohmann::json json = figures_;
    json[distributed::kind_attribute] = report_kind;
    json["command"] = command_;
    json["configuration"] = configuration_;
    if (given_epsilon_.to != CostStatistic::none)
      json["epsilon"] = {{"absolute", configuration_["problem"]["epsilon"]},
                         {"relative", given_epsilon_.epsilon},
                         {"to", word_of(given_epsilon_.to)},
                         {"of_cost", given_epsilon_.statistic}};
    json["versions"] = versions();
    json["revision"] = revision();
    json["ranks"] = communicator_.size();
    json["execution_space"] = execution_space();
    json["seconds"] = slowest;
    write_json(directory / name, json);
  });
}

}  // namespace otfleet
