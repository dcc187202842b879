#pragma once
namespace otfleet::kernels {

/// Which entries of a plan are kept. An entry below the smallest normal double (2.2e-308) never is.
struct EntrySelection {
  enum class Rule {
    top_k,      ///< the `top_k` largest entries of every row; of equal ones the smaller columns
    threshold,  ///< P_ij >= threshold · sum_j P_ij: what takes at least that share of its row, so
                ///< that a row has at most 1/threshold entries, perhaps none
  };
  Rule rule = Rule::top_k;
  int top_k = 1;           ///< >= 1
  double threshold = 0.1;  ///< in (0, 1]
};

}  // namespace otfleet::kernels
