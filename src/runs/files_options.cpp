#include "src/runs/files_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

void add_keys(KeyList& keys, FilesOptions& files) {
  using namespace checks;
  keys.add("train_population", files.train_population, anything, "absent: DIR/../make/train.h5");
  keys.add("test_population", files.test_population, anything, "absent: DIR/../make/test.h5");
  keys.add("checkpoint", files.checkpoint, anything, "absent: DIR/../train/model.h5");
  keys.add("solution", files.solution, anything,
           "whose plans map.points go through; absent: DIR/../solve/solution.h5");
}

}  // namespace otfleet
