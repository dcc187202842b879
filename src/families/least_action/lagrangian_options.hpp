#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "src/config/choice.hpp"
#include "src/data/array_source.hpp"

namespace otfleet {

struct Job;

/// What the numbers of a grid are: kernels::GridMeaning.
enum class GridNumbers { barrier, slowness };

template <>
struct Choices<GridNumbers> {
  static constexpr Choice<GridNumbers> list[] = {{"barrier", GridNumbers::barrier},
                                                 {"slowness", GridNumbers::slowness}};
};

/// [lagrangian]: what a path pays on its way. lagrangian_choice.hpp makes a kernels::Lagrangian of
/// it.
struct LagrangianOptions {
  std::string name = "squared_euclidean";
  std::map<std::string, double> parameters;  ///< by name, those of all Lagrangians
  ArraySource grid;                          ///< [H, W, …], of those that have numbers on a grid
  std::string torchscript;                   ///< or a file with a function that gives them
  std::int64_t cells = 128;                  ///< along each axis, of the grid of that
  std::vector<double> box;  ///< of the grid: x of its first column and last, y of its rows
  GridNumbers grid_means = GridNumbers::barrier;

  /// Are paths anything but straight lines?
  bool bends() const;
  bool has_grid() const { return !grid.empty() || !torchscript.empty(); }
};

void add_keys(KeyList& keys, LagrangianOptions& lagrangian);

/// What is wrong with a box: x of the first and last column, y of the first and last row; or empty.
/// Local.
std::string box_fault(const std::vector<double>& box);

/// The parameters that are not `given` become the usual ones of the Lagrangian. Throws UserError,
/// which begins with the name of the job file: a parameter that it does not have, or a value that
/// it cannot have. Local.
void settle_lagrangian(LagrangianOptions& lagrangian, const std::set<std::string>& given,
                       const std::string& file);

/// The defaults of problem = "least_action", where they are others than those of populations.
void set_path_defaults(Job& job);

/// What is wrong with [lagrangian] and [path] in the whole job, or empty. Local.
std::string least_action_complaint(const Job& job);

}  // namespace otfleet
