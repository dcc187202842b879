#include "src/populations/cloud_population_rows.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <span>

#include "src/data/fingerprint.hpp"
#include "src/populations/population_parts.hpp"
#include "src/populations/sequences.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Hdf5File;
using distributed::Shard;

/// Every rank opens the file; a failure is that of all.
Hdf5File open_on_ranks(const std::filesystem::path& path, const Communicator& communicator) {
  std::optional<Hdf5File> file;
  communicator.agree([&] { file.emplace(Hdf5File::open(path)); });
  return std::move(*file);
}

}  // namespace

CloudPopulationRows::CloudPopulationRows(const std::filesystem::path& path,
                                         const Communicator& communicator, bool normalize)
    : file_(open_on_ranks(path, communicator)) {
  communicator.agree([&] { outline_ = read_cloud_outline(file_); });
  const auto sources = sum_masses(true, communicator);
  const auto targets = outline_.shared_measures ? sources : sum_masses(false, communicator);
  check_problems(path.string(), outline_.source, outline_.target, sources, targets, !normalize,
                 false);
  check_sequence(path.string(), outline_.sequence, outline_.problems());
  check_contexts(path.string(), outline_.contexts, outline_.problems());
  if (!normalize) return;
  source_masses_ = sources;
  target_masses_ = targets;
}

CloudTable CloudPopulationRows::read_rows(bool source, Shard rows) const {
  const auto prefix = outline_.prefix(source);
  const auto count = static_cast<std::size_t>(rows.size());
  CloudTable table;
  table.weights.resize(count);
  table.points.resize(count * static_cast<std::size_t>(outline_.dimension));
  table.offsets.push_back(rows.size());
  file_.read_rows<double>(prefix + "weights", rows, table.weights);
  file_.read_rows<double>(prefix + "points", rows, table.points);
  return table;
}

CloudTable CloudPopulationRows::read(bool source, std::int32_t measure, Shard points) const {
  const auto& offsets = (source ? outline_.sources : outline_.target_table()).offsets;
  const std::int64_t begin = offsets[static_cast<std::size_t>(measure)];
  CloudTable table = read_rows(source, {begin + points.begin, begin + points.end});
  const auto& masses = source ? source_masses_ : target_masses_;
  if (!masses.empty())
    for (double& weight : table.weights) weight /= masses[static_cast<std::size_t>(measure)];
  return table;
}

std::string CloudPopulationRows::content_fingerprint() const {
  Fnv hash;
  hash.add(outline_.content_fingerprint());
  hash.add(static_cast<std::uint64_t>(rows_hash_));
  return hash.digits();
}

/// The masses of one side's measures, after all checks of weights and points. A sum of hashes of
/// rows, since it does not depend on who adds which.
std::vector<double> CloudPopulationRows::sum_masses(bool source, const Communicator& communicator) {
  constexpr std::int64_t hash_bits = (std::int64_t{1} << 40) - 1;  // sums of ranks do not overflow
  constexpr std::int64_t most_rows = 65536;                        // in memory
  const auto name = file_.path().string() + ": " + outline_.prefix(source);
  const auto& offsets = (source ? outline_.sources : outline_.targets).offsets;
  std::vector<double> masses(offsets.size() - 1);
  std::int64_t own_hash = 0;
  communicator.agree([&] {
    const Shard share =
        distributed::block_shard(offsets.back(), communicator.rank(), communicator.size());
    const std::int64_t d = outline_.dimension;
    for (std::int64_t begin = share.begin; begin < share.end; begin += most_rows) {
      const Shard rows{begin, std::min(begin + most_rows, share.end)};
      const CloudTable table = read_rows(source, rows);
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        const auto at = static_cast<std::size_t>(row - rows.begin);
        Fnv hash;
        hash.add(static_cast<std::uint64_t>(source));
        hash.add(static_cast<std::uint64_t>(row));
        hash.add(std::bit_cast<std::uint64_t>(table.weights[at] + 0.0));
        for (std::int64_t k = 0; k < d; ++k)
          hash.add(std::bit_cast<std::uint64_t>(
              table.points[at * static_cast<std::size_t>(d) + static_cast<std::size_t>(k)] + 0.0));
        own_hash = (own_hash + static_cast<std::int64_t>(hash.value() >> 24)) & hash_bits;
      }
      const auto part = [&](const std::vector<double>& values, Shard of, std::int64_t per_row) {
        return std::span(values).subspan(static_cast<std::size_t>((of.begin - begin) * per_row),
                                         static_cast<std::size_t>(of.size() * per_row));
      };
      auto s = std::upper_bound(offsets.begin(), offsets.end(), begin) - offsets.begin() - 1;
      for (; offsets[static_cast<std::size_t>(s)] < rows.end; ++s) {
        const auto at = static_cast<std::size_t>(s);
        const Shard here{std::max(offsets[at], rows.begin), std::min(offsets[at + 1], rows.end)};
        const std::int64_t first = here.begin - offsets[at];
        check_points(name, s, part(table.points, here, d), d, first, outline_.ground_cost);
        masses[at] +=
            sum_weights(name + "weights", "measure", s, part(table.weights, here, 1), first);
      }
    }
  });
  communicator.all_reduce(std::span<double>(masses), distributed::Reduction::sum);
  rows_hash_ =
      (rows_hash_ + communicator.all_reduce(own_hash, distributed::Reduction::sum)) & hash_bits;
  for (std::size_t s = 0; s < masses.size(); ++s)
    check_mass(name + "weights", "measure", static_cast<std::int64_t>(s), masses[s]);
  return masses;
}

}  // namespace otfleet
