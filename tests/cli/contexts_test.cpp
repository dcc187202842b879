// What describes problems, for maps that depend on it.
#include "src/populations/cloud_population.hpp"
#include "tests/cli/pipeline.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using ContextsOfMeasures = testing::PipelineTest;

TEST_F(ContextsOfMeasures, ReachThePopulationAndInfo) {
  const auto write = [&](const std::string& name, const std::string& shape,
                         const std::vector<double>& values) {
    testing::write_bytes(
        path(name), testing::npy(testing::npy_header("<f8", shape), testing::bytes_of(values)));
  };
  write("cells.npy", "(3, 2, 2)", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  write("doses.npy", "(3, 2)", {0, 0, 0.5, 0, 0, 1});
  write("times.npy", "(3,)", {0, 1, 2});
  const std::string train =
      "train = { file = \"cells.npy\", contexts = { file = \"doses.npy\" } }\n";
  const auto make = [&](const std::string& contexts, const std::string& geometry) {
    testing::write_bytes(path("conditions.toml"),
                         "[data]\n" + train + "test = { file = \"cells.npy\"" + contexts +
                             " }\n[problem]\ngeometry = \"" + geometry +
                             "\"\n[make]\npairs = { kind = \"one_to_all\", one = 1 }\n");
    return run({"make", "conditions.toml"});
  };
  const auto made = make(", contexts = { file = \"doses.npy\" }", "clouds");
  EXPECT_EQ(made.code, 0) << made.err;
  auto population = read_cloud_population(path("conditions-out/make/test.h5"));
  EXPECT_EQ(population.contexts.values, (std::vector<double>{0, 0, 0, 1}));
  const auto info = run({"info", "conditions-out/make/train.h5"}).out;
  EXPECT_NE(info.find("problems: 2\ncontexts: 2 numbers a problem\n"), std::string::npos) << info;
  EXPECT_EQ(info.find("images"), std::string::npos) << info;

  population.contexts = {1, {0.5, 2}};
  population.images.assign(8, 0.25);  // two problems of two points
  write_cloud_population(path("imaged.h5"), population);
  const auto imaged = run({"info", "imaged.h5"}).out;
  EXPECT_NE(imaged.find("contexts: 1 number a problem\nimages: "), std::string::npos) << imaged;

  const auto refused = [](const testing::ProgramResult& result, const std::string& part) {
    EXPECT_EQ(result.code, 2);
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  refused(make(", contexts = { file = \"times.npy\" }", "clouds"),
          "cells.npy: contexts of 1 numbers a problem, but");
  refused(make("", "clouds"), "cells.npy: contexts of 0 numbers a problem, but");
  refused(make("", "grid"), "doses.npy: contexts are for points of every measure's own");
}

}  // namespace
}  // namespace otfleet
