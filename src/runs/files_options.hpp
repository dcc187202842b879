#pragma once
#include <filesystem>

#include "src/config/key_list.hpp"

namespace otfleet {

/// [files]. Empty: found beside the output folder, where the earlier commands put them.
struct FilesOptions {
  std::filesystem::path train_population;  // DIR/../make/train.h5
  std::filesystem::path test_population;   // DIR/../make/test.h5
  std::filesystem::path checkpoint;        // DIR/../train/model.h5
  std::filesystem::path solution;          // DIR/../solve/solution.h5
};

void add_keys(KeyList& keys, FilesOptions& files);

}  // namespace otfleet
