#include "src/populations/make_options.hpp"

#include <spdlog/fmt/fmt.h>

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {
namespace {

std::string lengths(const std::vector<std::int64_t>& values) {
  if (values.size() > 3) return "must have at most three lengths";
  return checks::none_or_every(checks::integer(1, 65536))(values);
}

std::string pixels_complaint(const Job& job) {
  const auto pixels = fmt::format("make.pixels = {}", job.make.pixels);
  if (job.problem.geometry != GeometryKind::clouds)
    return fmt::format("{} makes clouds of colors; it needs problem.geometry = 'clouds', not '{}'",
                       pixels, word_of(job.problem.geometry));
  if (!job.problem.cost)
    return pixels +
           " makes clouds of colors; it needs a cost between points, as problem.cost = "
           "'squared_euclidean', not 'matrix'";
  if (job.make.drifts())
    return pixels + " and make.drifting.points both say what the clouds are; leave one out";
  if (!job.make.grid.empty() || !job.data.points.empty() || !job.data.target_points.empty())
    return pixels +
           " says that points are colors; leave make.grid, data.points and "
           "data.target_points out";
  return {};
}

}  // namespace

void add_keys(KeyList& keys, MakeOptions& make) {
  using namespace checks;
  keys.add("train_problems", make.train_problems, integer(1),
           "random pairs to train on; as many as there are where these are fewer");
  keys.add("test_problems", make.test_problems, integer(1), "the same to test on");
  keys.add(
      "pairs.kind", make.pairs.kind,
      "which measures are paired, in both populations: random; one_to_one (every source with the "
      "target of its number, or every two neighbors once: 0 with 1, 2 with 3); one_to_all "
      "(make.pairs.one with every other, or with every target); all (every two once, or every "
      "source with every target); each (every measure with itself, or every target with source 0: "
      "for "
      "problems of one measure). make.pairs = \"all\" says the same");
  keys.add("pairs.one", make.pairs.one, integer(0),
           "the source measure of make.pairs = \"one_to_all\", from 0");
  add_array(keys, "pairs", make.pairs,
            "the pairs themselves, integers [P, 2]: rows of the source and of the target measures, "
            "from 0");
  keys.add("sequence_length", make.sequence_length, integer(0),
           "problems, in the order of their pairs, of which every so many form a sequence, such as "
           "the steps of one motion: what solver.initializer = \"previous\" needs; 0: none");
  keys.add("repeat_pairs", make.repeat_pairs, anything,
           "let random pairs repeat; otherwise each comes at most once");
  keys.add("source_weights", make.source_weights,
           "data.train and data.test, or random: uniform(0, 1), half of them zero "
           "(sparse_uniform), all equal");
  keys.add("target_weights", make.target_weights,
           "the same for the target; \"data\": data.train_target, or the source's measures");
  keys.add("train_measures", make.train_measures, integer(1),
           "random measures on each side to train on");
  keys.add("test_measures", make.test_measures, integer(1),
           "random measures on each side to test on");
  keys.add(
      "grid", make.grid, lengths,
      "lengths of a grid's one to three axes: for random weights, for rows [M, h w] that are "
      "images, for an array [h, w] that is one image, and for data that looks like color "
      "images but is not; with problem.geometry = \"clouds\" the data are weights on its points, "
      "and every measure has those where it has weight");
  keys.add(
      "drifting.points", make.drifting.points, integer(0),
      "of each of make.test_problems pairs of clouds that drift through space, instead of "
      "data, for problem.geometry = \"clouds\": sequences of make.sequence_length problems, or "
      "one; 0: none");
  keys.add("drifting.dimension", make.drifting.dimension, integer(1, 64), "of their points");
  keys.add(
      "drifting.step", make.drifting.step, zero_or_more,
      "how far a point goes from one problem to the next, in sides of the cube that the clouds "
      "begin in");
  keys.add(
      "pixels", make.pixels, integer(0),
      "points of each image, for problem.geometry = \"clouds\": data.train, data.test and "
      "their targets are images of colors, PNG or JPEG, or folders of them, and every image is "
      "the red, green and blue, 0 to 1, of so many of its pixels, drawn without repetition, or "
      "of all where it has no more; 0: data are arrays");
  keys.add("crops", make.crops, integer(0, 1000000),
           "rectangles of random size and place of each image to train on, besides, which are "
           "measures of their own; make.pixels only");
  keys.add("thumbnails", make.thumbnails, integer(0, 1024),
           "pixels along a side of the small square copies of images that the file keeps, for "
           "model.context = \"images\"; 0: none; make.pixels only");
  keys.add("stretch", make.stretch, anything,
           "every axis of a grid spans [0, 1]; false: the longest does, and pixels are square");
}

std::string make_complaint(const Job& job) {
  const auto& pairs = job.make.pairs;
  if (job.make.crops > 0 && !job.make.takes_pixels())
    return fmt::format("make.crops = {} is for images of colors; set make.pixels, or leave it out",
                       job.make.crops);
  if (job.make.thumbnails > 0 && !job.make.takes_pixels())
    return fmt::format(
        "make.thumbnails = {} is for images of colors; set make.pixels, or leave it out",
        job.make.thumbnails);
  if (job.make.takes_pixels())
    if (auto complaint = pixels_complaint(job); !complaint.empty()) return complaint;
  if (job.make.drifts()) {
    if (job.problem.geometry != GeometryKind::clouds)
      return fmt::format(
          "make.drifting.points = {} makes clouds; it needs problem.geometry = 'clouds', not '{}'",
          job.make.drifting.points, word_of(job.problem.geometry));
    if (!job.data.train.empty() || !job.data.test.empty())
      return "make.drifting.points draws the clouds; leave data.train and data.test out";
    if (!pairs.empty() || pairs.kind != PairKind::random)
      return "make.drifting.points pairs every source with the target of its step; leave "
             "make.pairs out";
  }
  if (!pairs.empty() && pairs.kind != PairKind::random)
    return fmt::format(
        "make.pairs.file names the pairs, and make.pairs = '{}' others; leave one out",
        word_of(pairs.kind));
  return {};
}

}  // namespace otfleet
