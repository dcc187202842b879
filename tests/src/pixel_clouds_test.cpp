#include "src/populations/pixel_clouds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "src/populations/any_population.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"
#include "tests/src/write_images.hpp"
#include "tests/src/write_png.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using testing::write_png;
using Bytes = std::vector<std::uint8_t>;
using Names = std::vector<std::string>;
using Offsets = std::vector<std::int64_t>;
using Values = std::vector<double>;

class PixelClouds : public ::testing::Test {
 protected:
  PixelClouds() {
    std::filesystem::create_directory(folder_ / "images");
    job_.problem.geometry = GeometryKind::clouds;
    job_.make.pixels = 20;
    job_.make.pairs.kind = PairKind::all_pairs;
    job_.data.test = ArraySource{folder_ / "images", ""};
  }
  /// 16 x 16 pixels of different colors.
  void write_colors(const std::string& name) {
    Bytes values;
    for (int pixel = 0; pixel < 256; ++pixel)
      for (const int value : {pixel, 255 - pixel, 7})
        values.push_back(static_cast<std::uint8_t>(value));
    write_png(folder_ / name, 16, 16, values, PNG_FORMAT_RGB);
  }
  CloudPopulation build(Split split = Split::test) {
    auto population = std::get<CloudPopulation>(build_any_population(job_, split));
    population.validate("images");
    return population;
  }
  /// Which pixels of write_colors() a measure has.
  static std::vector<int> drawn(const CloudTable& table, std::int64_t measure) {
    std::vector<int> pixels;
    for (auto i = table.offsets[measure]; i < table.offsets[measure + 1]; ++i) {
      const double* color = table.points.data() + 3 * i;
      pixels.push_back(static_cast<int>(std::lround(255 * color[0])));
      EXPECT_EQ(color[0], pixels.back() / 255.0);
      EXPECT_EQ(color[1], (255 - pixels.back()) / 255.0);
      EXPECT_EQ(color[2], 7 / 255.0);
    }
    return pixels;
  }
  template <class... Parts>
  void expect_refused(const Parts&... parts) {
    expect_error([&] { build(); }, parts...);
  }
  testing::TemporaryFolder folder_;
  Job job_;
};

TEST_F(PixelClouds, ImagesOfAFolderInTheOrderOfTheirNames) {
  write_colors("images/b.png");
  testing::write_jpeg(folder_ / "images/a.JPG", 5, 6, Bytes(90, 128));
  write_png(folder_ / "images/c.PNG", 1, 1, Bytes{51});
  testing::write_jpeg(folder_ / "images/d.jpeg", 4, 4, Bytes(48, 128));
  testing::write_bytes(folder_ / "images/notes.txt", "no image");
  const auto population = build();
  EXPECT_EQ(population.dimension, 3);
  EXPECT_TRUE(population.shared_measures);
  EXPECT_EQ(population.sources.names, (Names{"a.JPG", "b.png", "c.PNG", "d.jpeg"}));
  EXPECT_EQ(population.sources.offsets, (Offsets{0, 20, 40, 41, 57}));
  EXPECT_EQ(population.problems(), 6);
  EXPECT_EQ(Values(population.sources.weights.begin() + 39, population.sources.weights.end() - 15),
            (Values{1 / 20.0, 1, 1 / 16.0}));
  EXPECT_EQ(
      Values(population.sources.points.begin() + 120, population.sources.points.begin() + 123),
      Values(3, 0.2));
  for (int i = 0; i < 60; ++i) EXPECT_NEAR(population.sources.points[i], 128 / 255.0, 1 / 255.0);
}

TEST_F(PixelClouds, PixelsComeOnceAndAllInTheirOrder) {
  write_colors("images/a.png");
  write_colors("images/b.png");
  job_.make.pixels = 255;
  for (const std::int64_t measure : {0, 1}) {
    const auto pixels = drawn(build().sources, measure);
    EXPECT_EQ(std::set<int>(pixels.begin(), pixels.end()).size(), 255u);
  }
  for (const std::int64_t all : {256, 1000}) {
    job_.make.pixels = all;
    const auto pixels = drawn(build().sources, 1);
    ASSERT_EQ(pixels.size(), 256u);
    for (int pixel = 0; pixel < 256; ++pixel)
      EXPECT_EQ(pixels[static_cast<std::size_t>(pixel)], pixel);
  }
}

TEST_F(PixelClouds, DrawsDependOnTheSeedTheSideAndTheImage) {
  write_colors("images/a.png");
  write_colors("images/b.png");
  job_.data.test_target = job_.data.train = job_.data.train_target = job_.data.test;
  const auto first = build();
  EXPECT_FALSE(first.shared_measures);
  EXPECT_EQ(first.targets.names, (Names{"a.png", "b.png"}));
  EXPECT_EQ(build().sources.points, first.sources.points);
  const auto train = build(Split::train);
  job_.seed = 1;
  const auto other = build();
  std::set<std::vector<int>> draws;
  for (const auto* population : {&first, &train, &other})
    for (const auto* table : {&population->sources, &population->targets})
      for (const std::int64_t measure : {0, 1}) draws.insert(drawn(*table, measure));
  EXPECT_EQ(draws.size(), 12u);
  // Fewer pixels are the first of more.
  job_.make.pixels = 9;
  const auto few = drawn(build().sources, 0), many = drawn(other.sources, 0);
  EXPECT_EQ(few, std::vector<int>(many.begin(), many.begin() + 9));
}

TEST_F(PixelClouds, CropsAreMeasuresToTrainOn) {
  write_colors("images/a.png");
  write_colors("images/b.png");
  job_.data.train = job_.data.test;
  job_.make.pixels = 1000;
  job_.make.crops = 40;
  EXPECT_EQ(build().sources.names, (Names{"a.png", "b.png"}));
  const auto sources = build(Split::train).sources;
  ASSERT_EQ(sources.names.size(), 82u);
  EXPECT_EQ(sources.names[1], "b.png");
  EXPECT_EQ(sources.names[2], "a.png#1");
  EXPECT_EQ(sources.names[81], "b.png#40");
  std::set<std::vector<int>> crops;
  for (std::int64_t measure = 2; measure < 82; ++measure) {
    const auto pixels = drawn(sources, measure);  // all of the rectangle's, row by row
    const int first = pixels.front(), last = pixels.back();
    const int width = last % 16 - first % 16 + 1, height = last / 16 - first / 16 + 1;
    EXPECT_GE(width, 4);
    EXPECT_GE(height, 4);
    ASSERT_EQ(pixels.size(), static_cast<std::size_t>(width * height));
    for (int k = 0; k < width * height; ++k)
      EXPECT_EQ(pixels[static_cast<std::size_t>(k)], first + 16 * (k / width) + k % width);
    crops.insert(pixels);
  }
  EXPECT_GT(crops.size(), 70u);
  job_.make.pixels = 5;
  const auto few = build(Split::train).sources;
  EXPECT_EQ(few.size(50), 5);
  EXPECT_EQ(build(Split::train).sources.points, few.points);
}

/// Of an image of one pixel, every crop is the image.
TEST_F(PixelClouds, OnePixelHasCrops) {
  write_png(folder_ / "images/a.png", 1, 1, Bytes{51});
  job_.data.train = job_.data.test;
  job_.make.crops = 3;
  EXPECT_EQ(build(Split::train).sources.points, Values(12, 0.2));
}

/// A thumbnail is the mean of what its pixels cover, of images and of crops, and the file keeps it.
TEST_F(PixelClouds, ThumbnailsAreMeans) {
  // Two rows of three gray pixels; a thumbnail's pixel covers one row and a pixel and a half.
  write_png(folder_ / "images/a.png", 3, 2, Bytes{0, 60, 120, 30, 90, 150});
  job_.data.test.file = folder_ / "images/a.png";
  job_.make.thumbnails = 2;
  const auto found = build().sources.thumbnails;
  EXPECT_EQ(found.side, 2);
  std::vector<int> reds;
  for (std::size_t at = 0; at < found.colors.size(); at += 3) {
    reds.push_back(found.colors[at]);
    EXPECT_EQ(found.colors[at], found.colors[at + 2]);
  }
  EXPECT_EQ(reds, (std::vector<int>{20, 100, 50, 130}));
  job_.make.thumbnails = 6;  // larger than the image
  EXPECT_EQ(build().sources.thumbnails.of(0)[3 * 7], 0);
  EXPECT_EQ(build().sources.thumbnails.of(0)[3 * 35], 150);

  job_.data.train = job_.data.test;
  job_.make.crops = 4;
  const auto population = build(Split::train);
  ASSERT_EQ(population.sources.thumbnails.colors.size(), 5u * 6 * 6 * 3);
  const auto file = folder_ / "population.h5";
  write_cloud_population(file, population);
  const auto again = read_cloud_population(file, true);
  EXPECT_EQ(again.sources.thumbnails.colors, population.sources.thumbnails.colors);
  EXPECT_EQ(again.content_fingerprint(), population.content_fingerprint());
  auto other = population;
  ++other.sources.thumbnails.colors[17];
  EXPECT_NE(other.content_fingerprint(), population.content_fingerprint());
  auto short_of = population;
  short_of.sources.thumbnails.colors.resize(4u * 6 * 6 * 3);
  write_cloud_population(folder_ / "short.h5", short_of);
  expect_error([&] { read_cloud_population(folder_ / "short.h5", true); },
               "thumbnails must be images of bytes [5, side, side, 3]", "[4, 6, 6, 3]");
}

/// Over many seeds every pixel is drawn as often as any other, and first as often.
TEST_F(PixelClouds, AllPixelsAreAsLikely) {
  write_png(folder_ / "images/a.png", 4, 1, Bytes{0, 1, 2, 3});
  job_.data.test.file = folder_ / "images/a.png";
  job_.make.pixels = 2;
  constexpr int seeds = 400;
  std::vector<int> counts(4, 0), first(4, 0);
  for (job_.seed = 0; job_.seed < seeds; ++job_.seed) {
    const auto population = std::get<CloudPopulation>(build_any_measures(job_, Split::test));
    for (const std::size_t i : {0, 1})
      ++counts[static_cast<std::size_t>(std::lround(255 * population.sources.points[3 * i]))];
    ++first[static_cast<std::size_t>(std::lround(255 * population.sources.points[0]))];
  }
  for (const int count : counts) EXPECT_NEAR(count, seeds / 2.0, 5 * std::sqrt(seeds / 4.0));
  for (const int count : first) EXPECT_NEAR(count, seeds / 4.0, 5 * std::sqrt(seeds * 3 / 16.0));
}

TEST_F(PixelClouds, OneImageOfOneColor) {
  write_png(folder_ / "red.png", 3, 3, Bytes(9, 100));
  job_.data.test.file = folder_ / "red.png";
  job_.data.test_target.file = folder_ / "red.png";
  const auto population = build();
  EXPECT_EQ(population.sources.names, Names{"red.png"});
  EXPECT_EQ(population.sources.points, Values(27, 100 / 255.0));
  EXPECT_EQ(population.problems(), 1);
}

TEST_F(PixelClouds, NamesWhatIsWrong) {
  const auto folder = (folder_ / "images").string();
  expect_refused(folder + ": a folder without *.png, *.jpg, *.jpeg images; name an image");
  write_colors("images/a.png");
  testing::write_bytes(folder_ / "images/b.png", "no image");
  expect_refused(folder + "/b.png: is neither a PNG nor a JPEG image");
  std::filesystem::remove(folder_ / "images/b.png");
  job_.problem.cost = kernels::find_ground_cost("cosine");
  write_png(folder_ / "images/black.png", 1, 1, Bytes{0});
  expect_refused(folder + "/black.png: drawn pixel 0 is the zero vector");
  job_.problem.cost = kernels::SquaredEuclideanCost{};
  job_.data.test.weights = job_.data.test;
  expect_refused(folder + ": with make.pixels every image is a measure",
                 "leave weights and groups");
  job_.data.test.weights = {};
  job_.data.test.dataset = "train";
  expect_refused("a dataset is named, but images have none");
  job_.data.test.dataset.clear();
  job_.data.test.first = 1;
  expect_refused("first is for measures on points that all share");
  job_.data.test.first = 0;
  job_.data.test.file = folder_ / "nowhere";
  expect_refused("nowhere: no such file");
}

TEST_F(PixelClouds, ComplaintsAboutTheJob) {
  EXPECT_EQ(make_complaint(job_), "");
  Job crops;
  crops.make.crops = 2;
  EXPECT_NE(make_complaint(crops).find("make.crops = 2"), std::string::npos);
  Job thumbnails;
  thumbnails.make.thumbnails = 8;
  EXPECT_NE(make_complaint(thumbnails).find("make.thumbnails = 8"), std::string::npos);
  const auto expect_complaint = [&](const auto& change, const std::string& part) {
    Job job = job_;
    change(job);
    EXPECT_NE(make_complaint(job).find("make.pixels = 20"), std::string::npos);
    EXPECT_NE(make_complaint(job).find(part), std::string::npos) << make_complaint(job);
  };
  expect_complaint([](Job& job) { job.problem.geometry = GeometryKind::grid; },
                   "needs problem.geometry = 'clouds', not 'grid'");
  expect_complaint([](Job& job) { job.problem.cost.reset(); }, "not 'matrix'");
  expect_complaint([](Job& job) { job.make.drifting.points = 4; }, "make.drifting.points");
  expect_complaint([](Job& job) { job.make.grid = {2, 2}; }, "leave make.grid, data.points");
  expect_complaint([](Job& job) { job.data.points.file = "points.npy"; }, "data.points");
}

}  // namespace
}  // namespace otfleet
