#include "src/networks/script_function.hpp"

#include <filesystem>

#include <torch/script.h>

#include "distributed/error.hpp"
#include "src/networks/libtorch.hpp"

namespace otfleet {
namespace {

/// The line of an error of LibTorch, which goes on with where in its code that was, that says most.
std::string cause_of(const std::exception& error) {
  const std::string text = error.what();
  // Errors inside of a script end with what Python would say.
  if (const auto mark = text.rfind("RuntimeError: "); mark != text.npos) {
    const auto begin = mark + std::string("RuntimeError: ").size();
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  return text.substr(0, text.find('\n'));
}

torch::jit::Module load_script(const std::string& file) {
  if (!std::filesystem::is_regular_file(file)) throw UserError(file + ": no such file");
  try {
    torch::jit::Module module = torch::jit::load(file, torch::Device(torch::kCPU));
    module.to(torch::kDouble);
    module.eval();
    return module;
  } catch (const std::exception& error) {
    throw UserError(file + ": is not a TorchScript file that this LibTorch reads; save it with " +
                    "torch.jit.save: " + cause_of(error));
  }
}

}  // namespace

ScriptValues run_script(const std::string& file, std::span<const double> rows, std::int64_t width) {
  torch::jit::Module module = load_script(file);
  const torch::NoGradGuard no_graph;
  const auto count = static_cast<std::int64_t>(rows.size()) / width;
  const torch::Tensor points =
      torch::from_blob(const_cast<double*>(rows.data()), {count, width}, torch::kDouble).clone();
  torch::jit::IValue result;
  try {
    result = module.forward({points});
  } catch (const std::exception& error) {
    throw UserError(file + ": fails on points [N, " + std::to_string(width) +
                    "] in double: " + cause_of(error));
  }
  if (!result.isTensor()) throw UserError(file + ": must give one tensor");
  const torch::Tensor found = result.toTensor().detach().to(torch::kDouble).contiguous();
  ScriptValues values;
  values.shape.assign(found.sizes().begin(), found.sizes().end());
  if (values.shape.empty() || values.shape.front() != count || values.shape.size() > 3)
    throw UserError(file + ": must give a number, a vector or a matrix for each of N points");
  values.values.assign(found.data_ptr<double>(), found.data_ptr<double>() + found.numel());
  return values;
}

}  // namespace otfleet
