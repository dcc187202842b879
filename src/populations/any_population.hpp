#pragma once
#include <filesystem>
#include <string>
#include <variant>

#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"
#include "src/populations/population_builder.hpp"
#include "src/populations/population_view.hpp"

// A population on points that all share, or with points of every measure's own. Local.

namespace otfleet {

using AnyPopulation = std::variant<Population, CloudPopulation>;

/// The measures of a split, on common points or as clouds, as problem.geometry says, without
/// problems. Throws UserError, also where the columns of AnnData matrices to train and to test on
/// have other names.
AnyPopulation build_any_measures(const Job& job, Split split);
/// The same with the problems that the job says; `remark` (may be null) gets what there is to say
/// of them. Throws UserError.
AnyPopulation build_any_population(const Job& job, Split split, std::string* remark = nullptr);

/// Under a temporary name, then renamed. Throws UserError.
void write_any_population(const std::filesystem::path& file, const AnyPopulation& population);

/// 16 hex digits over all of it. Work: a look at every number.
std::string content_fingerprint_of(const AnyPopulation& population);
/// That of the population in a file when otfleet wrote it; empty: nothing says so. Throws
/// UserError.
std::string written_content(const std::filesystem::path& file);
/// Whether a file is a population that is as otfleet wrote it, of pairs of measures; false also
/// where it cannot be read. Work: reads the file.
bool is_as_written(const std::filesystem::path& file);

/// The view keeps a reference.
PopulationView view_any(const AnyPopulation& population);

/// 16 hex digits over where measures lie and what transport costs.
std::string geometry_fingerprint_of(const AnyPopulation& population);

std::int64_t problems_of(const AnyPopulation& population);
/// "30 problems over 20 measures on 144 points".
std::string summary_of(const AnyPopulation& population);

}  // namespace otfleet
