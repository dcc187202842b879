#include "src/networks/script_function.hpp"

#include <torch/script.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>

#include "distributed/error.hpp"
#include "src/networks/libtorch.hpp"

namespace otfleet {
namespace {

/// What a person needs of an error of LibTorch: of one inside of a script, whose text ends as
/// Python's does, what follows the name of the last one; else the first line.
std::string cause_of(const std::exception& error) {
  const std::string text = error.what();
  std::string cause = text.substr(0, text.find('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto mark = line.find("Error: ");
    if (mark != line.npos && line.front() != ' ') cause = line.substr(mark + 7);
  }
  return cause;
}

torch::jit::Module load_script(const std::string& file) {
  if (!std::filesystem::is_regular_file(file)) throw UserError(file + ": no such file");
  try {
    torch::jit::Module module = torch::jit::load(file, torch::Device(torch::kCPU));
    // Weights, but neither indices nor masks.
    const auto widen = [](at::Tensor tensor) {
      if (tensor.is_floating_point()) tensor.set_data(tensor.to(torch::kDouble));
    };
    for (const at::Tensor& one : module.parameters()) widen(one);
    for (const at::Tensor& one : module.buffers()) widen(one);
    module.eval();
    return module;
  } catch (const std::exception& error) {
    throw UserError(file + ": is not a TorchScript file that this LibTorch reads; save it with " +
                    "torch.jit.save: " + cause_of(error));
  }
}

/// What the function gives for points [N, width], as doubles.
torch::Tensor evaluate(torch::jit::Module& module, const std::string& file,
                       const torch::Tensor& points) {
  try {
    const torch::jit::IValue result = module.forward({points});
    if (!result.isTensor()) throw UserError(file + ": must give one tensor");
    const torch::Tensor found = result.toTensor();
    if (!found.defined() || found.is_complex() || found.layout() != torch::kStrided)
      throw UserError(file + ": must give a dense tensor of real numbers");
    if (found.dim() < 1 || found.dim() > 3 || found.size(0) != points.size(0))
      throw UserError(file + ": must give a number, a vector or a matrix for each of N points");
    return found.detach().to(torch::kDouble).contiguous();
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError(file + ": fails on points [N, " + std::to_string(points.size(1)) +
                    "] in double: " + cause_of(error));
  }
}

}  // namespace

ScriptValues run_script(const std::string& file, std::span<const double> rows, std::int64_t width) {
  constexpr std::int64_t rows_at_once = 65536;
  torch::jit::Module module = load_script(file);
  const torch::NoGradGuard no_graph;
  torch::manual_seed(0);  // the same on every rank
  const auto count = static_cast<std::int64_t>(rows.size()) / width;
  const torch::Tensor points =
      torch::from_blob(const_cast<double*>(rows.data()), {count, width}, torch::kDouble).clone();
  ScriptValues values;
  for (std::int64_t first = 0; first < count; first += rows_at_once) {
    const std::int64_t some = std::min(rows_at_once, count - first);
    const torch::Tensor found = evaluate(module, file, points.narrow(0, first, some));
    values.shape.assign(found.sizes().begin(), found.sizes().end());
    const double* const begin = found.data_ptr<double>();
    values.values.insert(values.values.end(), begin, begin + found.numel());
  }
  values.shape.front() = count;
  return values;
}

}  // namespace otfleet
