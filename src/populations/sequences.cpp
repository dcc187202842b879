#include "src/populations/sequences.hpp"

#include <spdlog/fmt/fmt.h>

#include <unordered_map>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"

namespace otfleet {
namespace {

constexpr const char* sequence_dataset = "/problems/sequence";

}  // namespace

std::vector<std::int64_t> read_sequence(const distributed::Hdf5File& file) {
  if (!file.has(sequence_dataset)) return {};
  return read_integers(file, sequence_dataset);
}

void write_sequence(distributed::Hdf5File& file, const std::vector<std::int64_t>& sequence) {
  if (sequence.empty()) return;
  file.write<std::int64_t>(sequence_dataset, {static_cast<std::int64_t>(sequence.size())},
                           sequence);
}

void check_sequence(const std::string& name, std::span<const std::int64_t> sequence,
                    std::int64_t problems) {
  if (sequence.empty()) return;
  if (static_cast<std::int64_t>(sequence.size()) != problems)
    throw UserError(fmt::format("{}: {} has {} entries for {} problems", name, sequence_dataset,
                                sequence.size(), problems));
  std::unordered_map<std::int64_t, std::size_t> last;  // problem of every sequence
  for (std::size_t k = 0; k < sequence.size(); ++k) {
    const auto [found, first] = last.try_emplace(sequence[k], k);
    if (!first && found->second + 1 != k)
      throw UserError(fmt::format(
          "{}: {}: problems {} and {} are of sequence {}, and the ones between are not; sort the "
          "problems by sequence, those of one in their order",
          name, sequence_dataset, found->second, k, sequence[k]));
    found->second = k;
  }
}

std::vector<std::int64_t> equal_sequences(std::int64_t problems, std::int64_t length) {
  std::vector<std::int64_t> sequence;
  for (std::int64_t k = 0; length > 0 && k < problems; ++k) sequence.push_back(k / length);
  return sequence;
}

std::vector<std::int64_t> sequence_offsets(std::span<const std::int64_t> sequence) {
  std::vector<std::int64_t> offsets;
  for (std::size_t k = 0; k < sequence.size(); ++k)
    if (k == 0 || sequence[k] != sequence[k - 1]) offsets.push_back(static_cast<std::int64_t>(k));
  if (!sequence.empty()) offsets.push_back(static_cast<std::int64_t>(sequence.size()));
  return offsets;
}

}  // namespace otfleet
