#pragma once
#include <spdlog/fmt/fmt.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "distributed/error.hpp"

namespace otfleet {

/// work(), where what the kernels refuse in a population's numbers, and memory that is not to be
/// had, are the user's to mend: UserError that names the file. One that begins with a dataset of
/// the file gets its name.
template <class Work>
decltype(auto) with_population_named(const std::filesystem::path& file, const Work& work) {
  try {
    return work();
  } catch (const std::invalid_argument& error) {
    throw UserError(file.string() + ": " + error.what());
  } catch (const UserError& error) {
    const std::string text = error.what();
    if (!text.starts_with("/geometry") && !text.starts_with("/measures")) throw;
    throw UserError(file.string() + ": " + text);
  } catch (const std::exception& error) {
    const std::string shortage = memory_shortage(error);
    if (shortage.empty()) throw;
    throw UserError(file.string() + ": " + shortage);
  }
}

/// The same of entropic problems, whose refusals may be for their epsilon.
template <class Work>
decltype(auto) with_population_named(const std::filesystem::path& file, double epsilon,
                                     const Work& work) {
  return with_population_named(file, [&]() -> decltype(auto) {
    try {
      return work();
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(
          fmt::format("{} (problem.epsilon = {:g})", error.what(), epsilon));
    }
  });
}

}  // namespace otfleet
