#include "src/data/data_options.hpp"

namespace otfleet {

void add_keys(KeyList& keys, DataOptions& data) {
  add_array(keys, "train", data.train, "measures to train on, [M, n], [M, h, w] or [M, d, h, w]");
  add_array(keys, "test", data.test, "measures to test on");
  add_array(keys, "train_target", data.train_target,
            "target measures to train on; absent: same as the source's");
  add_array(keys, "test_target", data.test_target,
            "target measures to test on; absent: same as the source's");
  add_array(keys, "cost", data.cost, "cost matrix [n, m], for problem.cost = \"matrix\"");
  add_array(keys, "points", data.points,
            "source points [n, d], for problem.geometry = \"dense\" and \"points\"");
  add_array(keys, "target_points", data.target_points,
            "target points [m, d]; absent: the source's");
}

}  // namespace otfleet
