#include "src/runs/partial_potentials.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/hdf5_checksum.hpp"
#include "distributed/hdf5_file.hpp"
#include "src/data/file_kinds.hpp"
#include "src/interruption.hpp"
#include "src/runs/part_files.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;
using distributed::Hdf5File;
using distributed::Reduction;
using distributed::Shard;

constexpr const char* prefix = "potentials-";

std::string name_of(std::int64_t problem, Shard points, const std::string& job) {
  return fmt::format("{}{:012}-{:012}-{:012}{}", prefix, problem, points.begin, points.end,
                     part_ending(job));
}

}  // namespace

PartialPotentials::PartialPotentials(fs::path folder, const distributed::Communicator& communicator,
                                     std::string identity, double checkpoint_seconds)
    : folder_(std::move(folder)),
      communicator_(communicator),
      identity_(std::move(identity)),
      interval_(checkpoint_seconds) {
  for (const auto& name : agreed_part_names(folder_, prefix, communicator_)) {
    long long problem = 0, begin = 0, end = 0;
    if (std::sscanf(name.c_str(), "potentials-%lld-%lld-%lld-", &problem, &begin, &end) == 3)
      found_.push_back({problem, {begin, end}, folder_ / name});
  }
}

bool PartialPotentials::shared_in(const fs::path& folder) {
  const auto names = part_names(folder, prefix);
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    long long begin = 0;
    return std::sscanf(name.c_str(), "potentials-%*d-%lld-", &begin) == 1 && begin > 0;
  });
}

bool PartialPotentials::has(std::int64_t problem) const {
  return std::any_of(found_.begin(), found_.end(),
                     [&](const Found& one) { return one.problem == problem; });
}

std::int64_t PartialPotentials::load(std::int64_t problem, Shard points,
                                     std::vector<double>& f) const {
  std::vector<std::int64_t> iterations(f.size(), 0);  // behind each point
  communicator_.agree([&] {
    for (const Found& one : found_) {
      const Shard common{std::max(points.begin, one.points.begin),
                         std::min(points.end, one.points.end)};
      if (one.problem != problem || common.begin >= common.end) continue;
      try {
        const Hdf5File file = Hdf5File::open(one.file);
        if (file.string_attribute("/", "job") != identity_) {
          spdlog::warn("{} is of another job; it is not used", one.file.string());
          continue;
        }
        distributed::check_seal(file);
        const auto made =
            static_cast<std::int64_t>(file.number_attribute("/", "iterations").value_or(0));
        const auto values = file.read<double>("/f");
        if (static_cast<std::int64_t>(values.size()) != one.points.size())
          throw UserError(one.file.string() + ": is not of the size that its name says");
        for (std::int64_t i = common.begin; i < common.end; ++i) {
          const auto here = static_cast<std::size_t>(i - points.begin);
          if (made <= iterations[here]) continue;
          iterations[here] = made;
          f[here] = values[static_cast<std::size_t>(i - one.points.begin)];
        }
      } catch (const UserError& error) {
        spdlog::warn("{}; it is not used", error.what());
      }
    }
  });
  const std::int64_t most =
      iterations.empty() ? 0 : *std::max_element(iterations.begin(), iterations.end());
  return communicator_.all_reduce(most, Reduction::max);
}

PartialPotentials::Due PartialPotentials::due() const {
  Due due = Due::nothing;
  if (communicator_.is_root() && std::chrono::steady_clock::now() - saved_ >= interval_)
    due = Due::save;
  if (interruption_requested()) due = Due::end;
  return static_cast<Due>(communicator_.all_reduce(static_cast<std::int64_t>(due), Reduction::max));
}

void PartialPotentials::save(std::int64_t problem, Shard points, const std::vector<double>& f,
                             std::int64_t iterations) {
  communicator_.agree([&] {
    if (points.size() == 0) return;
    write_part(folder_ / name_of(problem, points, identity_), partial_potentials_kind, identity_,
               [&](Hdf5File& file) {
                 file.set_attribute("/", "iterations", iterations);
                 file.write<double>("/f", {points.size()}, f);
               });
  });
  saved_ = std::chrono::steady_clock::now();
}

void PartialPotentials::remove(const fs::path& folder, const std::string& identity,
                               const distributed::Communicator& communicator) {
  remove_parts(folder, prefix, identity, communicator);
}

}  // namespace otfleet
