#pragma once
#include "src/data/data_options.hpp"

namespace otfleet {

/// Where measures to train and to test on, of sources and of targets, are matrices of AnnData files
/// (dataset X, layers/NAME or raw/X) whose columns have names (the index of var): throws UserError
/// unless all have the same names in the same order. The message names the file and the first
/// column that differs. Says nothing of other arrays, and of files that are not there. Local.
void check_feature_names(const DataOptions& data);

}  // namespace otfleet
