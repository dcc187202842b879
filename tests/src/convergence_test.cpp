#include "src/reports/convergence.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/problems/status.hpp"

namespace otfleet {
namespace {

using kernels::Status;

StatusCounts counts_of(int converged, int limit, int precision, int broken) {
  StatusCounts counts;
  counts.add(static_cast<int>(Status::converged), converged);
  counts.add(static_cast<int>(Status::iteration_limit), limit);
  counts.add(static_cast<int>(Status::precision_limit), precision);
  counts.add(static_cast<int>(Status::not_finite), broken);
  return counts;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Convergence, NothingIsSaidWhereAllConverged) {
  EXPECT_EQ(convergence_complaint(counts_of(30, 0, 0, 0), Job()), "");
  EXPECT_EQ(map_complaint(counts_of(30, 0, 0, 0), Job()), "");
  EXPECT_NO_THROW(report_convergence("", true));
}

TEST(Convergence, StatusesAreCounted) {
  StatusCounts counts;
  counts.add(std::vector<std::int32_t>{0, 1, 1, 3, 0});
  EXPECT_EQ(counts.total(), 5);
  EXPECT_EQ(counts.converged(), 2);
  EXPECT_EQ(counts.failed(), 3);
  EXPECT_EQ(counts[1], 2);
}

TEST(Convergence, ItSaysHowManyAndWhatToTry) {
  Job job;
  job.solver.max_iterations = 100;
  job.solver.precision = Precision::in_float;
  const auto text = convergence_complaint(counts_of(10, 15, 4, 1), job);
  for (const char* part :
       {"20 of 30 problems did not converge", "15 reached the limit of iterations",
        "solver.max_iterations, now 100", "4 got as far as the arithmetic goes",
        "solver.precision=double", "1 broke down in NaN or infinity", "problem.epsilon"})
    EXPECT_TRUE(says(text, part)) << text;
  EXPECT_FALSE(says(text, "\n"));
}

TEST(Convergence, WhatIsDoneAlreadyIsNotAdvised) {
  Job job;
  job.solver.method = "auto";
  job.solver.precision = Precision::in_double;
  const auto text = convergence_complaint(counts_of(0, 1, 1, 0), job);
  EXPECT_FALSE(says(text, "solver.method")) << text;
  EXPECT_FALSE(says(text, "solver.precision")) << text;
  job.solver.method = "sinkhorn";
  EXPECT_TRUE(says(convergence_complaint(counts_of(0, 1, 0, 0), job), "solver.method=auto"));
}

TEST(Convergence, StrictIsAnError) {
  EXPECT_THROW(report_convergence("1 of 1 problems did not converge", true), NotConverged);
  EXPECT_NO_THROW(report_convergence("1 of 1 problems did not converge", false));
}

}  // namespace
}  // namespace otfleet
