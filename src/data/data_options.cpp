#include "src/data/data_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

namespace {

void add_measures(KeyList& keys, const std::string& name, MeasureSource& measures,
                  const std::string& doc) {
  add_array(keys, name, measures, doc);
  keys.add(name + ".first", measures.first, checks::integer(0),
           "take only so many of its measures, the first ones; not with problem.geometry = "
           "\"clouds\"; 0: all");
  add_array(keys, name + ".weights", measures.weights,
            "with problem.geometry = \"clouds\": weights of its points, [n] or [M, n]; absent: all "
            "equal");
  add_array(keys, name + ".groups", measures.groups,
            "with problem.geometry = \"clouds\": an integer for each point; points of one integer "
            "are a measure, in ascending order, and those of a negative one are left out");
  add_array(
      keys, name + ".contexts", measures.contexts,
      "with problem.geometry = \"clouds\": numbers that describe each of its measures, [M] or "
      "[M, C], such as doses; a problem gets those of its target, after those of its source "
      "where the sides have measures of their own");
}

/// Of measures that are paired with each other.
void add_labels(KeyList& keys, const std::string& name, MeasureSource& measures) {
  add_array(keys, name + ".labels", measures.labels,
            "an integer for each of its measures: where all pairs are solved, solve says how often "
            "the nearest neighbor has the same; not with problem.geometry = \"clouds\"");
}

}  // namespace

void add_keys(KeyList& keys, DataOptions& data) {
  add_measures(keys, "train", data.train,
               "measures to train on: weights [n], [M, n], images [M, h, w], [M, d, h, w]; with "
               "problem.geometry = \"clouds\" points [n, d], or [M, n, d] of many measures; with "
               "make.pixels "
               "images of colors");
  add_measures(keys, "test", data.test, "measures to test on");
  add_labels(keys, "test", data.test);
  add_measures(keys, "train_target", data.train_target,
               "target measures to train on; absent: same as the source's");
  add_measures(keys, "test_target", data.test_target,
               "target measures to test on; absent: same as the source's");
  add_array(keys, "cost", data.cost, "cost matrix [n, m], for problem.cost = \"matrix\"");
  add_array(
      keys, "points", data.points,
      "source points [n, d], for problem.geometry = \"dense\" and \"points\"; with \"clouds\" the "
      "data are weights on them, and every measure has the points where it has weight");
  add_array(keys, "target_points", data.target_points,
            "target points [m, d]; absent: the source's");
}

}  // namespace otfleet
