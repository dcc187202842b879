#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "distributed/gradient_averager.hpp"

namespace otfleet::distributed {
namespace {

bool has_device() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

TEST(NcclAverager, SumsOverTheRanksInPlace) {
  if (!has_device()) GTEST_SKIP() << "no CUDA device";
  const Communicator world = Communicator::world();
  const auto averager = make_nccl_averager(world);
  EXPECT_EQ(std::string(averager->name()), "nccl");
  const std::vector<float> values{1.0f, -2.5f, 0.125f};
  std::vector<float> sum(values.size());
  const std::size_t bytes = values.size() * sizeof(float);
  float* device = nullptr;
  ASSERT_EQ(cudaMalloc(reinterpret_cast<void**>(&device), bytes), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(device, values.data(), bytes, cudaMemcpyHostToDevice), cudaSuccess);
  averager->begin({device + 1, 2});
  averager->progress();
  averager->begin({device, 1});
  averager->finish();
  ASSERT_EQ(cudaMemcpy(sum.data(), device, bytes, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(cudaFree(device), cudaSuccess);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(sum[i], values[i] * static_cast<float>(world.size()));
  }
}

TEST(NcclAverager, SaysWhyItCannotStart) {
  if (has_device()) GTEST_SKIP() << "there is a CUDA device";
  try {
    make_nccl_averager(Communicator::world());
    FAIL() << "no exception without a CUDA device";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()).rfind("CUDA: ", 0), 0u) << error.what();
  }
}

}  // namespace
}  // namespace otfleet::distributed
