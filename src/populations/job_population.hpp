#pragma once
#include <filesystem>

#include "distributed/error.hpp"
#include "src/job.hpp"
#include "src/populations/any_population.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"

// Populations as commands read them: what the job says has to fit. Local. All throw UserError.

namespace otfleet {

/// read_population(), then require_job_agrees(); with solver.normalize every measure has mass 1,
/// else masses of a pair are equal where the job's problems are balanced.
Population read_job_population(const Job& job, const std::filesystem::path& file);

/// The same of clouds, whose problems are all balanced.
CloudPopulation read_job_clouds(const Job& job, const std::filesystem::path& file);

/// Throws where all measures in the file share their points, which problems of the job's kind
/// cannot have.
void require_clouds(const Job& job, const std::filesystem::path& file);

/// Either of them, as the file is.
AnyPopulation read_any_job_population(const Job& job, const std::filesystem::path& file);

/// Runs `work`, which uses what was read from `file`: its UserErrors get the file's name.
template <class Work>
void naming(const std::filesystem::path& file, Work&& work) {
  try {
    work();
  } catch (const UserError& error) {
    throw UserError(file.string() + ": " + error.what());
  }
}

/// Throws where problem.geometry, problem.cost or problem.power, set by the job, say otherwise than
/// the population in `file`: those keys are for make, and the population decides.
void require_job_agrees(const Job& job, const Geometry& geometry,
                        const std::filesystem::path& file);
void require_job_agrees(const Job& job, const CloudPopulation& population,
                        const std::filesystem::path& file);

}  // namespace otfleet
