#include "src/device_check.hpp"

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <stdexcept>

#include "distributed/device_memory.hpp"
#include "distributed/error.hpp"
#include "kernels/self_test.hpp"
#include "src/models/network_library.hpp"

namespace otfleet {
namespace {

/// Loads LibTorch.
std::string torch_fault() {
  try {
    network_library();
    return {};
  } catch (const UserError& error) {
    return error.what();
  }
}

const char* mpi_text() {
  switch (distributed::mpi_takes_device_memory()) {
    case distributed::Answer::yes:
      return "takes pointers to CUDA memory";
    case distributed::Answer::no:
      return "takes no pointers to CUDA memory";
    case distributed::Answer::unknown:
      break;
  }
  return "does not say whether it takes pointers to CUDA memory";
}

}  // namespace

void start_device(const distributed::Communicator& communicator,
                  std::optional<kernels::Runtime>& runtime) {
  communicator.agree([&, rank = communicator.rank_on_machine()] {
    try {
      runtime.emplace(rank);
    } catch (const std::invalid_argument& error) {
      throw UserError(error.what());
    }
    if (!kernels::runs_on_gpu()) return;
    if (const auto fault = kernels::self_test_fault(); !fault.empty()) throw UserError(fault);
  });
}

std::string self_test_text(bool& good) {
  std::string text = kernels::runs_on_gpu()
                         ? fmt::format("device: {}, GPU {} of {}\n", kernels::device_name(),
                                       kernels::device_number(), kernels::visible_devices())
                         : fmt::format("device: the host ({})\n", kernels::space_name());
  good = true;
  const auto add = [&](const std::string& name, const std::string& fault) {
    text += fault.empty() ? "ok: " + name + "\n" : "fault: " + fault + "\n";
    good = good && fault.empty();
  };
  const auto begin = std::chrono::steady_clock::now();
  const auto checks = kernels::self_checks();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  for (const auto& check : checks) add(check.name, kernels::self_check_fault(check));
  add("LibTorch uses the same device", torch_fault());
  text += fmt::format("MPI {}; what ranks exchange goes through host memory\n", mpi_text());
  return text + fmt::format("{} checks of kernels in {:.1f} ms\n", checks.size(), took.count());
}

}  // namespace otfleet
