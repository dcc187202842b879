#include "src/families/neural_dual/samplers/w2_benchmark.hpp"

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <functional>
#include <map>

#include "distributed/hdf5_file.hpp"
#include "kernels/counter_random.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

// Files of the benchmark: small ones that the tests write, with the map in nested loops, and those
// of the benchmark itself where they are at hand.

namespace otfleet {
namespace {

using distributed::Hdf5File;
using kernels::CounterRandom;
using testing::expect_error;
using testing::TemporaryFolder;
using Values = std::vector<double>;
using Shape = std::vector<std::int64_t>;

constexpr std::size_t dimension = 3, rank = 2;
constexpr std::size_t hidden[] = {5, 4, 6};

struct Dataset {
  Shape shape;
  Values values;
};

/// What a file holds, so that a test may spoil any of it before it is written.
struct Content {
  std::map<std::string, Dataset> datasets;
  std::map<std::pair<std::string, std::string>, double> numbers;
  std::map<std::string, std::string> activations;

  const Values& operator[](const std::string& dataset) const { return datasets.at(dataset).values; }
};

Values random_values(std::size_t count, std::uint64_t seed, double low, double high) {
  const CounterRandom random(seed, 0);
  Values values(count);
  for (std::size_t at = 0; at < count; ++at) values[at] = low + (high - low) * random.uniform(at);
  return values;
}

Content small_benchmark() {
  Content content;
  std::uint64_t seed = 0;
  const auto add = [&](const std::string& name, const Shape& shape, double low, double high) {
    std::size_t count = 1;
    for (const auto length : shape) count *= static_cast<std::size_t>(length);
    content.datasets[name] = {shape, random_values(count, ++seed, low, high)};
  };
  const auto length = [](std::size_t value) { return static_cast<std::int64_t>(value); };
  const auto d = length(dimension);
  for (const std::string group : {"/v1", "/v2"}) {
    content.activations[group] = "celu";
    content.numbers[{group, "celu_alpha"}] = 1;
    content.numbers[{group, "activation_on_layer_0"}] = 0;
    content.numbers[{group, "strong_convexity"}] = group == "/v1" ? 0.01 : 0.3;
    for (std::size_t l = 0; l < 3; ++l) {
      const auto layer = group + "/quadratic_layers." + std::to_string(l) + ".";
      add(layer + "quadratic_decomposed", {d, length(rank), length(hidden[l])}, -0.5, 0.5);
      add(layer + "weight", {length(hidden[l]), d}, -1, 1);
      add(layer + "bias", {length(hidden[l])}, -1, 1);
      if (l > 0)
        add(group + "/convex_layers." + std::to_string(l - 1) + ".weight",
            {length(hidden[l]), length(hidden[l - 1])}, 0, 1);
    }
    add(group + "/final_layer.weight", {1, length(hidden[2])}, 0, 1);
  }
  add("/input_mixture/means", {2, d}, -1, 1);
  add("/input_mixture/maps", {2, d, d}, -1, 1);
  content.datasets["/input_mixture/weights"] = {{2}, {0.25, 0.75}};
  content.numbers[{"/input_mixture", "std"}] = 0.4;
  add("/map_shift", {d}, -1, 1);
  content.numbers[{"/", "map_scale"}] = 0.2;
  content.numbers[{"/", "target_variance"}] = 3.5;
  content.numbers[{"/", "input_variance"}] = 2.5;
  add("/test_x", {7, d}, -1, 1);
  add("/test_y", {7, d}, -1, 1);
  return content;
}

void write(const std::filesystem::path& path, const Content& content) {
  auto file = Hdf5File::create(path);
  for (const auto& [name, dataset] : content.datasets)
    file.write<double>(name, dataset.shape, dataset.values);
  for (const auto& [place, value] : content.numbers) {
    file.create_group(place.first);
    file.set_attribute(place.first, place.second, value);
  }
  for (const auto& [group, activation] : content.activations)
    file.set_attribute(group, "activation", activation);
  file.close();
}

/// v(x) as the benchmark's README has it.
double potential(const Content& content, const std::string& group, const Values& x) {
  Values z;
  for (std::size_t l = 0; l < 3; ++l) {
    const auto layer = group + "/quadratic_layers." + std::to_string(l) + ".";
    const Values &a = content[layer + "quadratic_decomposed"], &b = content[layer + "weight"];
    Values next;
    for (std::size_t o = 0; o < hidden[l]; ++o) {
      double s = content[layer + "bias"][o];
      for (std::size_t r = 0; r < rank; ++r) {
        double product = 0;
        for (std::size_t i = 0; i < dimension; ++i)
          product += x[i] * a[(i * rank + r) * hidden[l] + o];
        s += product * product;
      }
      for (std::size_t i = 0; i < dimension; ++i) s += b[o * dimension + i] * x[i];
      for (std::size_t i = 0; i < z.size(); ++i)
        s += content[group + "/convex_layers." + std::to_string(l - 1) + ".weight"]
                    [o * z.size() + i] *
             z[i];
      next.push_back(l == 0 || s > 0 ? s : std::expm1(s));
    }
    z = next;
  }
  double value = 0;
  for (std::size_t i = 0; i < z.size(); ++i)
    value += content[group + "/final_layer.weight"][i] * z[i];
  for (const double coordinate : x)
    value += content.numbers.at({group, "strong_convexity"}) / 2 * coordinate * coordinate;
  return value;
}

/// T(x), gradients by differences of fourth order.
Values reference_map(const Content& content, const Values& x) {
  constexpr double step = 1e-4;
  Values y(dimension);
  for (std::size_t i = 0; i < dimension; ++i) {
    double slope = 0;
    for (const std::string group : {"/v1", "/v2"}) {
      const auto at = [&](double t) {
        Values moved = x;
        moved[i] += t;
        return potential(content, group, moved);
      };
      slope += (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
    }
    y[i] = content.numbers.at({"/", "map_scale"}) * (slope + content["/map_shift"][i]);
  }
  return y;
}

Values draw(const Sampler& sampler, std::int64_t first, std::int64_t count) {
  Values points(static_cast<std::size_t>(count * sampler.dimension()), NAN);
  sampler.fill(first, count, points.data());
  return points;
}

Values mapped(const W2Benchmark& benchmark, const Values& x) {
  Values y(x.size(), NAN);
  benchmark.map(static_cast<std::int64_t>(x.size()) / benchmark.dimension(), x.data(), y.data());
  return y;
}

/// The same sample from every call, also across the blocks that T is computed in.
void expect_same_in_any_call(const Sampler& sampler) {
  const auto d = static_cast<std::size_t>(sampler.dimension());
  const Values all = draw(sampler, 0, 700);
  for (const double value : all) ASSERT_TRUE(std::isfinite(value));
  for (const auto& [first, count] :
       {std::pair(0, 1), {1, 127}, {127, 2}, {100, 600}, {699, 1}, {128, 256}, {17, 0}}) {
    const auto begin = all.begin() + static_cast<long>(first * d);
    EXPECT_EQ(draw(sampler, first, count), Values(begin, begin + static_cast<long>(count * d)))
        << first << ", " << count;
  }
}

class SmallBenchmark : public ::testing::Test {
 protected:
  W2Benchmark read(const Content& content) {
    write(path_, content);
    return W2Benchmark(path_);
  }
  template <class... Parts>
  void expect_refused(const std::function<void(Content&)>& spoil, const Parts&... parts) {
    Content content = small_benchmark();
    spoil(content);
    expect_error([&] { read(content); }, path_.string(), parts...);
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "dim_3.h5";
};

TEST_F(SmallBenchmark, HoldsWhatTheFileHolds) {
  const Content content = small_benchmark();
  const W2Benchmark benchmark = read(content);
  EXPECT_EQ(benchmark.dimension(), 3);
  EXPECT_EQ(benchmark.test_count(), 7);
  EXPECT_EQ(benchmark.test_x(), content["/test_x"]);
  EXPECT_EQ(benchmark.test_y(), content["/test_y"]);
  EXPECT_EQ(benchmark.target_variance(), 3.5);
  EXPECT_EQ(benchmark.input_variance(), 2.5);
}

TEST_F(SmallBenchmark, MapIsThatOfTheReadme) {
  const Content content = small_benchmark();
  const W2Benchmark benchmark = read(content);
  const Values x = random_values(300 * dimension, 99, -3, 3);  // more than a block
  const Values y = mapped(benchmark, x);
  for (std::size_t k = 0; k < x.size(); k += dimension) {
    const auto from = x.begin() + static_cast<long>(k);
    const Values expected = reference_map(content, {from, from + dimension});
    for (std::size_t i = 0; i < dimension; ++i)
      EXPECT_NEAR(y[k + i], expected[i], 1e-8 * (1 + std::abs(expected[i])));
  }
  EXPECT_TRUE(mapped(benchmark, {}).empty());
}

TEST_F(SmallBenchmark, SourceIsTheMixture) {
  const Content content = small_benchmark();
  const auto source = read(content).samplers(1, 0).source;
  constexpr std::int64_t count = 100'000;
  const Values points = draw(*source, 0, count);
  // Mean and second moments, of means m and maps A: sum of w (m mᵀ + std² A Aᵀ).
  const Values &means = content["/input_mixture/means"], &maps = content["/input_mixture/maps"];
  for (std::size_t i = 0; i < dimension; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double mean = 0, second = 0;
      for (std::size_t k = 0; k < 2; ++k) {
        double component = means[k * dimension + i] * means[k * dimension + j];
        for (std::size_t l = 0; l < dimension; ++l)
          component += 0.16 * maps[(k * dimension + i) * dimension + l] *
                       maps[(k * dimension + j) * dimension + l];
        mean += content["/input_mixture/weights"][k] * means[k * dimension + i];
        second += content["/input_mixture/weights"][k] * component;
      }
      double sum = 0, product = 0;
      for (std::size_t at = 0; at < points.size(); at += dimension) {
        sum += points[at + i];
        product += points[at + i] * points[at + j];
      }
      EXPECT_NEAR(sum / count, mean, 5 * std::sqrt(2.0 / count));
      EXPECT_NEAR(product / count, second, 5 * std::sqrt(4.0 / count));
    }
}

TEST_F(SmallBenchmark, SamplesAreTheSameInAnyCall) {
  const SamplerPair pair = read(small_benchmark()).samplers(5, 3);
  expect_same_in_any_call(*pair.source);
  expect_same_in_any_call(*pair.target);
}

TEST_F(SmallBenchmark, TargetIsTheMapOfOtherSamples) {
  const W2Benchmark benchmark = read(small_benchmark());
  const SamplerPair pair = benchmark.samplers(5, 0);
  const Values y = draw(*pair.target, 0, 20'000);
  const Values pushed = mapped(benchmark, draw(*pair.source, 0, 20'000));
  EXPECT_NE(y, pushed);
  EXPECT_LT(sliced_distance(y, pushed, 3, 20, 0), 0.1);
  EXPECT_EQ(pair.source->dimension(), 3);
  EXPECT_EQ(pair.target->dimension(), 3);
}

TEST_F(SmallBenchmark, OtherFilesAreRefused) {
  expect_error([&] { W2Benchmark{folder_ / "nothing.h5"}; }, "nothing.h5");
  testing::write_bytes(path_, "a text");
  expect_error([&] { W2Benchmark{path_}; }, path_.string());
  Content other;
  other.datasets["/measures/weights"] = {{1, 2}, {1, 2}};
  expect_error([&] { read(other); }, path_.string(), "not a file of the Wasserstein-2 benchmark");
}

TEST_F(SmallBenchmark, NothingMayBeMissing) {
  const Content whole = small_benchmark();
  for (const auto& [name, dataset] : whole.datasets)
    expect_refused([&](Content& content) { content.datasets.erase(name); }, name);
  for (const auto& [place, value] : whole.numbers)
    expect_refused([&](Content& content) { content.numbers.erase(place); }, place.second);
  expect_refused([&](Content& content) { content.activations.erase("/v2"); }, "/v2", "CELU");
}

TEST_F(SmallBenchmark, ShapesMustFit) {
  for (const auto& [name, dataset] : small_benchmark().datasets) {
    // One more along the last dimension, and a dimension more.
    expect_refused(
        [&](Content& content) {
          Dataset& own = content.datasets[name];
          own.values.resize(own.values.size() / static_cast<std::size_t>(own.shape.back()) *
                            static_cast<std::size_t>(own.shape.back() + 1));
          ++own.shape.back();
        },
        "must have");
    expect_refused([&](Content& content) { content.datasets[name].shape.push_back(1); }, name,
                   "dimension");
  }
  expect_refused(
      [](Content& content) {
        content.datasets["/test_x"] = {{0, 3}, {}};
      },
      "/test_x", "must have shape [1, 3], not [0, 3]");
}

TEST_F(SmallBenchmark, ValuesMustMakeSense) {
  for (const auto& [name, dataset] : small_benchmark().datasets)
    expect_refused([&](Content& content) { content.datasets[name].values.back() = NAN; }, name,
                   "not finite");
  for (const auto& [place, value] : small_benchmark().numbers)
    expect_refused([&](Content& content) { content.numbers[place] = INFINITY; }, place.second);
  for (const char* name : {"/v1/convex_layers.1.weight", "/v2/final_layer.weight"})
    expect_refused([&](Content& content) { content.datasets[name].values[2] = -1e-3; }, name,
                   "not convex");
  expect_refused([](Content& content) { content.activations["/v1"] = "relu"; }, "/v1", "CELU");
  expect_refused(
      [](Content& content) {
        content.numbers[{"/", "map_scale"}] = 0;
      },
      "map_scale", "positive");
  expect_refused([](Content& content) { content.numbers[{"/v1", "celu_alpha"}] = 2; }, "alpha");
  expect_refused(
      [](Content& content) {
        content.datasets["/input_mixture/weights"].values = {-0.25, 1.25};
      },
      "/input_mixture/weights", "negative");
  expect_refused(
      [](Content& content) {
        content.datasets["/input_mixture/weights"].values = {0.5, 0.6};
      },
      "/input_mixture/weights", "sum 1");
}

/// The benchmark's own files.
class Benchmark : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(path_)) GTEST_SKIP() << "no " << path_;
  }
  std::filesystem::path path_ =
      std::filesystem::path(OTFLEET_BENCHMARK_DATA) / fmt::format("dim_{}.h5", GetParam());
};

TEST_P(Benchmark, ScoresAreTheFiles) {
  // Of the linear map and of the identity, as the benchmark's own code has them.
  const W2Benchmark benchmark(path_);
  const auto file = Hdf5File::open(path_);
  const auto d = static_cast<std::size_t>(benchmark.dimension());
  const auto weight = file.read<double>("/linear_map/weight");
  const auto bias = file.read<double>("/linear_map/bias");
  const Values& x = benchmark.test_x();
  Values pushed(x.size());
  for (std::size_t at = 0; at < x.size(); ++at) {
    const std::size_t row = at / d, i = at % d;
    pushed[at] = bias[i];
    for (std::size_t j = 0; j < d; ++j) pushed[at] += weight[i * d + j] * x[row * d + j];
  }
  const auto uvp = [&](const Values& points) {
    return l2_uvp(points, benchmark.test_y(), benchmark.dimension(), benchmark.target_variance());
  };
  const auto expected = [&](const char* name) { return file.number_attribute("/", name).value(); };
  EXPECT_NEAR(uvp(pushed), expected("baseline_linear_l2_uvp"), 1e-4);
  EXPECT_NEAR(uvp(x), expected("baseline_identity_l2_uvp"), 1e-4);
  EXPECT_NEAR(cosine(x, pushed, benchmark.test_y(), benchmark.dimension()),
              expected("baseline_linear_cosine"), 1e-6);
}

TEST_P(Benchmark, MapReproducesTheTestSet) {
  const W2Benchmark benchmark(path_);
  ASSERT_EQ(benchmark.dimension(), GetParam());
  const Values y = mapped(benchmark, benchmark.test_x());
  double largest = 0;
  for (std::size_t at = 0; at < y.size(); ++at)
    largest = std::max(largest, std::abs(y[at] - benchmark.test_y()[at]));
  EXPECT_LT(largest, 1e-3);
  EXPECT_LT(l2_uvp(y, benchmark.test_y(), GetParam(), benchmark.target_variance()), 1e-6);
  EXPECT_NEAR(cosine(benchmark.test_x(), y, benchmark.test_y(), GetParam()), 1, 1e-7);

  // Fresh samples are those of the test set's distributions.
  const SamplerPair pair = benchmark.samplers(0, 0);
  const Values x = draw(*pair.source, 0, 8192), target = draw(*pair.target, 0, 8192);
  const auto variance = [&](const Values& points) {
    double total = 0;
    for (int i = 0; i < GetParam(); ++i) {
      double sum = 0, square = 0;
      for (std::size_t at = i; at < points.size(); at += GetParam()) {
        sum += points[at];
        square += points[at] * points[at];
      }
      total += square / 8192 - sum / 8192 * (sum / 8192);
    }
    return total;
  };
  EXPECT_NEAR(variance(x), benchmark.input_variance(), 0.05 * benchmark.input_variance());
  EXPECT_NEAR(variance(target), benchmark.target_variance(), 0.05 * benchmark.target_variance());
  expect_same_in_any_call(*pair.target);
}

INSTANTIATE_TEST_SUITE_P(Dimensions, Benchmark, ::testing::Values(2, 4, 8, 32));

}  // namespace
}  // namespace otfleet
