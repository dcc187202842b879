#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace otfleet {

/// A commented job to begin with, for a kind of data: a file of inputs/start, which the build puts
/// into the program.
struct StartJob {
  std::string kind;
  std::string text;
};
const std::vector<StartJob>& start_jobs();

/// `otfleet init`: without a kind the list of them, without a file the job's text, and with one
/// what was written and what to do next; no file is ever replaced. Throws UserError. Local.
std::string start_job(const std::string& kind, const std::filesystem::path& file);

}  // namespace otfleet
