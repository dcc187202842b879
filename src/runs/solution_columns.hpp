#pragma once
#include <functional>
#include <utility>
#include <vector>

#include "src/runs/solution_layout.hpp"

namespace otfleet {

/// Declares columns of a layout together with the arrays of Source, a family's own struct, that
/// hold their values.
template <class Source>
class SolutionColumns {
 public:
  /// member(source) is the array; its type has to be the column's.
  template <class Member>
  void add(SolutionLayout& layout, Column column, Member member) {
    layout.columns.push_back(std::move(column));
    takes_.push_back(
        [member](Source& source) { return SolutionTable::Values(std::move(member(source))); });
  }

  /// The table of a source, whose arrays are moved out.
  SolutionTable take(Source&& source) const {
    SolutionTable table;
    for (const auto& one : takes_) table.columns.push_back(one(source));
    return table;
  }

 private:
  std::vector<std::function<SolutionTable::Values(Source&)>> takes_;
};

}  // namespace otfleet
