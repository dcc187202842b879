#pragma once
#include <filesystem>

#include "distributed/communicator.hpp"
#include "src/families/barycenter/barycenter_family.hpp"
#include "src/reports/report.hpp"

namespace otfleet::testing {

/// A job whose `make` draws barycenter problems of up to `most_measures` of twelve random measures
/// on 4 x 5 points.
inline Job random_barycenter_job(std::int64_t problems, std::int64_t most_measures) {
  Job job = Job::defaults(ProblemKind::barycenter);
  job.make.source_weights = WeightsKind::uniform;
  job.make.grid = {4, 5};
  job.make.test_measures = 12;
  job.make.test_problems = problems;
  job.barycenter.fewest_measures = 1;
  job.barycenter.most_measures = most_measures;
  job.seed = 7;
  return job;
}

/// `make` of that job, into `folder`; returns the population's file.
inline std::filesystem::path make_barycenters_in(const std::filesystem::path& folder,
                                                 const Job& job) {
  const auto communicator = distributed::Communicator::world();
  Report report("make", job, communicator);
  make_barycenters({job, communicator, folder, true, {}}, report);
  return folder / "test.h5";
}

}  // namespace otfleet::testing
