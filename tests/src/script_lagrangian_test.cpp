#include <gtest/gtest.h>
#include <torch/script.h>

#include <cmath>
#include <string>
#include <vector>

#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/job.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using testing::expect_error;

class ScriptLagrangian : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  /// A file with this body of forward(self, x), and a weight w = 2 in float.
  std::string script(const std::string& body) const {
    torch::jit::Module module("M");
    module.register_parameter("w", torch::full({1}, 2.0), false);
    module.register_parameter("matrix", torch::eye(2), false);
    module.register_buffer("order", torch::tensor({1, 0}, torch::kLong));
    module.define("def forward(self, x):\n" + body);
    module.save(file("function.pt"));
    return file("function.pt");
  }

  /// The Lagrangian of a job with that file and these overrides.
  kernels::Lagrangian choose(const std::string& name, const std::string& script,
                             const std::vector<std::string>& more = {}) const {
    testing::write_bytes(folder_ / "job.toml", "problem = \"least_action\"\n");
    std::vector<std::string> overrides = {"lagrangian.name=" + name,
                                          "lagrangian.torchscript=" + script,
                                          "lagrangian.box=[-2,2,3,-3]"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return read_lagrangian(read_job(folder_ / "job.toml", overrides).lagrangian);
  }

  static double at(const kernels::Lagrangian& lagrangian, const std::vector<double>& x,
                   const std::vector<double>& v) {
    return lagrangian_at(lagrangian, x.data(), v.data(), 2);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(ScriptLagrangian, ABarrierIsTheFunction) {
  const auto lagrangian =
      choose("grid", script("    return self.w * torch.exp(-(x ** 2).sum(1))\n"));
  EXPECT_EQ(description_of(lagrangian), "grid, strength 1, 129 x 129 numbers");
  for (const double x : {-1.3, 0.2, 1.9})
    for (const double y : {-2.5, 0.1, 1.1})
      EXPECT_NEAR(at(lagrangian, {x, y}, {0, 0}), 2 * std::exp(-x * x - y * y), 4e-3);
}

TEST_F(ScriptLagrangian, AMetricIsTheFunction) {
  const auto lagrangian = choose(
      "metric",
      script("    a = 1 + x[:, 0] ** 2\n    b = 0.5 * x[:, 1]\n    c = 1 + x[:, 1] ** 2\n"
             "    return torch.stack((torch.stack((a, b), 1), torch.stack((b, c), 1)), 1)\n"),
      {"lagrangian.cells=200"});
  for (const double x : {-1.3, 0.2, 1.9})
    for (const double y : {-2.5, 0.1, 1.1}) {
      const double v = 0.7, w = -0.4;
      EXPECT_NEAR(at(lagrangian, {x, y}, {v, w}),
                  0.5 * ((1 + x * x) * v * v + y * v * w + (1 + y * y) * w * w), 1e-3);
    }
}

TEST_F(ScriptLagrangian, DirectionsAndSlownessAreTheFunction) {
  const auto along =
      choose("directions", script("    return self.w * x\n"), {"lagrangian.along=0.1"});
  EXPECT_NEAR(at(along, {1.2, 1.6}, {0.6, 0.8}), 0.5 * 0.1, 1e-3);
  EXPECT_NEAR(at(along, {1.2, 1.6}, {-0.8, 0.6}), 0.5, 1e-3);
  const auto slow =
      choose("grid", script("    return 1 + x[:, 0] ** 2\n"), {"lagrangian.grid_means=slowness"});
  EXPECT_NEAR(at(slow, {1, 0}, {1, 0}), 0.5 * 4, 1e-2);
}

TEST_F(ScriptLagrangian, WeightsAreDoublesAndIndicesStayIndices) {
  const auto lagrangian =
      choose("grid", script("    return (x @ self.matrix)[:, self.order][:, 0]\n"));
  EXPECT_NEAR(at(lagrangian, {0.3, 1.1}, {0, 0}), 1.1, 1e-6);
}

TEST_F(ScriptLagrangian, WhatIsWrongIsOneLine) {
  const auto refuse = [&](const std::string& name, const std::string& body, const auto&... parts) {
    expect_error([&] { choose(name, script(body)); }, "function.pt", parts...);
  };
  refuse("grid", "    return x\n", "must be [H, W]", "'grid'", "[129, 129, 2]");
  refuse("metric", "    return x\n", "must be [H, W, 2, 2]");
  refuse("grid", "    return x[:3, 0]\n", "for each of N points");
  refuse("grid", "    return (x, x)\n", "one tensor");
  refuse("grid", "    return x @ x\n", "fails on points [N, 2]");
  refuse("grid", "    assert x.size(0) < 1, 'too many'\n    return x[:, 0]\n", "fails on points",
         "too many");
  refuse("grid", "    return torch.complex(x[:, 0], x[:, 1])\n", "real numbers");
  refuse("grid", "    return torch.log(x[:, 0])\n", "holds nan in row 0, column 0", "finite");
  const std::string twice =
      "    return torch.stack((torch.stack((x[:, 0], x[:, 0]), 1), "
      "torch.stack((x[:, 0], x[:, 0]), 1)), 1)\n";
  refuse("metric", twice, "positive definite");
  expect_error([&] { choose("grid", file("none.pt")); }, "none.pt: no such file");
  testing::write_bytes(folder_ / "text.pt", "hello");
  expect_error([&] { choose("grid", file("text.pt")); }, "text.pt", "torch.jit.save");
  const auto good = script("    return x[:, 0]\n");
  expect_error([&] { choose("box", good); }, "lagrangian.torchscript is for", "'metric'");
  expect_error([&] { choose("grid", good, {"lagrangian.box=[]"}); }, "needs lagrangian.box");
  expect_error([&] { choose("grid", good, {"lagrangian.grid.file=a.npy"}); }, "only one of them");
  expect_error([&] { choose("grid", good, {"lagrangian.cells=0"}); }, "lagrangian.cells");
}

}  // namespace
}  // namespace otfleet
