#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace otfleet {

/// What rows of columns stand for. A layout's space 0 are the problems themselves, a row each.
struct RowSpace {
  std::string name;              ///< of one row: "problem", "source point"
  std::int64_t per_problem = 1;  ///< rows of a problem
  std::vector<std::int64_t> offsets =
      {};                            ///< [P + 1] where problems have different numbers; else empty
  std::string offsets_dataset = {};  ///< where the file has these
  bool counted = false;              ///< how many rows there are is known once all is solved

  /// Are rows of all problems the first dimension of a dataset, one problem after the other?
  bool is_flat() const { return counted || !offsets.empty(); }
};

enum class ColumnType { float64, int32, int64 };

/// One array of a solution.
struct Column {
  std::string dataset;    ///< its place in the file: "/solution/f"
  std::size_t space = 0;  ///< what its rows stand for
  ColumnType type = ColumnType::float64;
  std::vector<std::int64_t> shape = {};  ///< of a row; empty: one number
  std::string unit = {};                 ///< "cost", "cost * mass"; empty: a number without one
  std::string meaning = {};              ///< for people, one line
  std::optional<std::size_t> offsets_into = {};  ///< its entries count rows of this counted space
};

/// A named value beside the columns.
struct SolutionAttribute {
  std::string object, name;
  std::variant<double, std::int64_t, std::string> value;
};

/// Everything that a solution of a population has, as its family declares it. What writes, saves,
/// resumes and reports solutions works from this alone. Every layout has the columns
/// /solution/iterations and /solution/status, int32; status 0 means converged.
struct SolutionLayout {
  std::int64_t problems = 0;
  std::vector<RowSpace> spaces = {{"problem"}};
  std::vector<Column> columns;
  std::vector<SolutionAttribute> attributes;
  /// Datasets [P] that say which problem is which, as in the population: "/problems/source".
  std::vector<std::pair<std::string, std::vector<std::int32_t>>> references;
  std::vector<std::string> counters;  ///< names of what is counted over problems
  std::string error;         ///< the column that is compared with the threshold, a number a problem
  std::string upper, lower;  ///< columns between which the optimum lies; empty: there are none

  /// The number of a column; throws std::logic_error where there is none.
  std::size_t column(const std::string& dataset) const;
  /// Whether any column has rows of this space.
  bool uses(std::size_t space) const;
  /// Adds the attributes of /solution that name what kernels::Status says of a solved problem.
  void add_status_words();
  /// The extents of a column's dataset; `counted` [spaces]: rows of counted spaces.
  std::vector<std::int64_t> dataset_shape(const Column& column,
                                          const std::vector<std::int64_t>& counted) const;
};

/// Columns of some problems, in the layout's order, each row-major, and its counters.
struct SolutionTable {
  using Values =
      std::variant<std::vector<double>, std::vector<std::int32_t>, std::vector<std::int64_t>>;
  std::vector<Values> columns;
  std::vector<std::int64_t> counters;

  SolutionTable() = default;
  /// With empty columns.
  explicit SolutionTable(const SolutionLayout& layout);

  const std::vector<double>& numbers(const SolutionLayout& layout,
                                     const std::string& dataset) const;
  const std::vector<std::int32_t>& integers(const SolutionLayout& layout,
                                            const std::string& dataset) const;
  std::size_t bytes() const;
  /// Appends the columns of problems that follow, and adds the counters. `counted` [spaces] counts
  /// the rows of counted spaces in this table, and goes on to count those of `more`.
  void append(const SolutionLayout& layout, SolutionTable more, std::vector<std::int64_t>& counted);
};

/// Adds `first` to every entry of the columns that count rows of `space`.
void shift_offsets(const SolutionLayout& layout, SolutionTable& table, std::size_t space,
                   std::int64_t first);

/// How many rows of a counted space a table has.
std::int64_t counted_rows(const SolutionLayout& layout, const SolutionTable& table,
                          std::size_t space);

}  // namespace otfleet
