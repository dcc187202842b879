#include "src/runs/output_files.hpp"

#include <spdlog/fmt/fmt.h>

#include <utility>
#include <vector>

#include "distributed/output_guard.hpp"
#include "src/data/file_kinds.hpp"
#include "src/populations/population_builder.hpp"
#include "src/reports/distance_matrix.hpp"
#include "src/reports/solution_picture.hpp"
#include "src/runs/solution_csv.hpp"
#include "src/scaling/scaling_csv.hpp"

namespace otfleet {
namespace {

using distributed::FileMark;

/// Does the command only write what the job names under this key, for other commands to read?
bool is_made_by(const std::string& command, const std::string& key) {
  if (command == "make") return key.starts_with("files.");
  if (command == "train") return key == "files.checkpoint" || key == "files.test_population";
  return false;
}

/// All that a command may write when it is done.
std::vector<std::pair<std::string, FileMark>> output_files(const Job& job,
                                                           const std::string& command,
                                                           const std::optional<Share>& share) {
  std::vector<std::pair<std::string, FileMark>> files;
  const auto add = [&](const std::string& name, FileMark mark) {
    files.emplace_back(name, std::move(mark));
  };
  const auto add_pictures = [&](const std::vector<std::string>& names) {
    for (const auto& name : names) add(name, FileMark::png());
  };
  if (command == "make") {
    if (makes(job, Split::train)) add("train.h5", FileMark::hdf5(population_kind));
    if (makes(job, Split::test)) add("test.h5", FileMark::hdf5(population_kind));
  } else if (command == "train") {
    add("model.h5", FileMark::hdf5(checkpoint_kind));
    add_pictures({"training.png"});
  } else if (command == "solve" && !share) {
    add("solution.h5", FileMark::hdf5(solution_kind));
    if (job.solution.picture) add_pictures({solution_picture_name});
    if (job.solution.matrix) {
      add(matrix_name, FileMark::hdf5(matrix_kind));
      add(npy_matrix_name, FileMark::name("distance matrix"));
    }
    if (job.solution.csv) add("solution.csv", FileMark::csv(solution_csv_beginning));
  } else if (command == "evaluate" && job.problem.kind == ProblemKind::conditional_map) {
  } else if (command == "evaluate" && job.is_neural_dual()) {
    add_pictures({"samples.png", "transported.png", "grid.png"});
  } else if (command == "evaluate") {
    add_pictures({"error_curves.png", "interpolation.png"});
  } else if (command == "scale") {
    add("scaling.csv", FileMark::csv(std::string(scaling_csv_header) + '\n'));
    for (const auto studied : job.scale.commands)
      add_pictures({"scaling-" + word_of(studied) + ".png"});
  }
  add(share ? share_report_name(*share) : "report.json", FileMark::json(report_kind));
  return files;
}

}  // namespace

std::string results_folder(const Job& job, const std::string& command) {
  return command == "solve" && job.maps_by_plans() ? "map" : command;
}

void protect_job_files(const Job& job, const std::filesystem::path& job_file,
                       const std::string& command) {
  distributed::protect_input(job_file, "the job file");
  for (const auto& [key, file] : job.named_files())
    if (!is_made_by(command, key)) distributed::protect_input(file, key);
}

void check_output_files(const Job& job, const std::string& command,
                        const std::filesystem::path& output, const std::optional<Share>& share) {
  for (const auto& [name, mark] : output_files(job, command, share))
    distributed::check_replaceable(output / name, mark);
}

std::string share_report_name(const Share& share) {
  return fmt::format("report-share-{}-of-{}.json", share.index, share.count);
}

}  // namespace otfleet
