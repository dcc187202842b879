#include "src/runs/partial_solution.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/hdf5_checksum.hpp"
#include "distributed/hdf5_file.hpp"
#include "src/data/file_kinds.hpp"
#include "src/runs/part_files.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;
using distributed::Communicator;
using distributed::Hdf5File;
using distributed::Shard;

constexpr const char* prefix = "rows-";
/// How much memory solutions of a rank may fill that wait: half a gigabyte, all ranks of a machine
/// together an eighth of it.
std::size_t memory_for_solutions(const Communicator& communicator) {
  constexpr std::size_t most = std::size_t{1} << 29;
  const auto machine = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(most, machine / 8 / static_cast<std::size_t>(communicator.ranks_on_machine()));
}

std::int64_t integer_attribute(const Hdf5File& file, const char* name) {
  return static_cast<std::int64_t>(file.number_attribute("/", name).value_or(-1));
}

}  // namespace

PartialSolution::PartialSolution(fs::path folder, const Communicator& communicator, const Job& job,
                                 std::string identity)
    : folder_(std::move(folder)),
      communicator_(communicator),
      identity_(std::move(identity)),
      contents_(job),
      checkpoint_seconds_(job.solver.checkpoint_seconds),
      most_bytes_(memory_for_solutions(communicator)) {
  find();
}

bool PartialSolution::any_in(const fs::path& folder) {
  return !part_names(folder, prefix).empty();
}

fs::path PartialSolution::file_of(Shard rows) const {
  return folder_ /
         fmt::format("{}{:012}-{:012}{}", prefix, rows.begin, rows.end, part_ending(identity_));
}

PartialSolution::Verdict PartialSolution::inspect(const fs::path& path, Block& block) const {
  try {
    const Hdf5File file = Hdf5File::open(path);
    if (file.string_attribute("/", "job") != identity_) return Verdict::of_another_job;
    distributed::check_seal(file);
    block.rows = {integer_attribute(file, "rows_begin"), integer_attribute(file, "rows_end")};
    if (file_of(block.rows) != path) return Verdict::damaged;  // renamed by hand
    if (wants_entries(contents_.wanted)) block.plan_entries = file.info("/plan/columns").shape[0];
    block.in_file = true;
    return Verdict::good;
  } catch (const UserError&) {
    return Verdict::damaged;
  }
}

void PartialSolution::find() {
  const auto names = agreed_part_names(folder_, prefix, communicator_);
  // To read them all is work for all ranks. Verdict, begin and end of every file.
  std::vector<std::int64_t> seen(3 * names.size(), 0);
  std::map<std::size_t, Block> mine;
  const auto size = static_cast<std::size_t>(communicator_.size());
  for (auto k = static_cast<std::size_t>(communicator_.rank()); k < names.size(); k += size) {
    Block& block = mine[k];
    seen[3 * k] = static_cast<std::int64_t>(inspect(folder_ / names[k], block));
    seen[3 * k + 1] = block.rows.begin;
    seen[3 * k + 2] = block.rows.end;
  }
  communicator_.all_reduce(std::span<std::int64_t>(seen), distributed::Reduction::sum);
  std::int64_t covered = 0;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const auto verdict = static_cast<Verdict>(seen[3 * k]);
    const Shard rows{seen[3 * k + 1], seen[3 * k + 2]};
    const char* complaint = verdict == Verdict::damaged          ? "is damaged"
                            : verdict == Verdict::of_another_job ? "is of another job"
                            : rows.begin < covered ? "holds problems that another file holds too"
                                                   : nullptr;
    if (complaint != nullptr) {
      spdlog::warn("{} {}; it is not used", (folder_ / names[k]).string(), complaint);
      continue;
    }
    covered = rows.end;
    found_.push_back(rows);
    if (mine.contains(k)) blocks_.push_back(std::move(mine[k]));
  }
}

std::int64_t PartialSolution::solved(Shard rows) const {
  std::int64_t count = 0;
  for (const Block& block : blocks_)
    count += std::max<std::int64_t>(
        std::min(rows.end, block.rows.end) - std::max(rows.begin, block.rows.begin), 0);
  return communicator_.all_reduce(count, distributed::Reduction::sum);
}

std::size_t PartialSolution::bytes(const Solutions& solutions) const {
  std::size_t sum = 0;
  for_each_solution_array(contents_, [&](const char*, SolutionRows, auto array) {
    sum += array(solutions).size() * sizeof(array(solutions)[0]);
  });
  return sum;
}

void PartialSolution::append(Block& block, Solutions&& more) const {
  Solutions& all = block.solutions;
  for (std::int64_t& offset : more.plan.entries.offsets) offset += block.plan_entries;
  block.plan_entries += static_cast<std::int64_t>(more.plan.entries.columns.size());
  for_each_solution_array(contents_, [&](const char*, SolutionRows, auto array) {
    auto& to = array(all);
    if (to.empty())
      to = std::move(array(more));
    else
      to.insert(to.end(), array(more).begin(), array(more).end());
  });
  all.counts.add(more.counts);
}

void PartialSolution::add(Shard rows, Solutions solutions) {
  if (rows.size() == 0) return;
  bytes_in_memory_ += bytes(solutions);
  if (!blocks_.empty() && !blocks_.back().in_file && blocks_.back().rows.end == rows.begin)
    blocks_.back().rows.end = rows.end;
  else
    blocks_.push_back({rows, 0, 0, {}, false});
  append(blocks_.back(), std::move(solutions));
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - saved_;
  if (bytes_in_memory_ > most_bytes_ || waited.count() >= checkpoint_seconds_) save();
}

void PartialSolution::save() {
  for (Block& block : blocks_) {
    if (block.in_file) continue;
    write(block);
    block.solutions = {};
    block.in_file = true;
  }
  bytes_in_memory_ = 0;
  saved_ = std::chrono::steady_clock::now();
}

void PartialSolution::write(const Block& block) const {
  write_part(file_of(block.rows), solution_part_kind, identity_, [&](Hdf5File& file) {
    file.set_attribute("/", "rows_begin", block.rows.begin);
    file.set_attribute("/", "rows_end", block.rows.end);
    file.set_attribute("/", "newton", block.solutions.counts.newton);
    file.set_attribute("/", "replaced_starts", block.solutions.counts.replaced_starts);
    for_each_solution_array(contents_, [&](const char* name, SolutionRows, auto array) {
      const auto& values = array(block.solutions);
      using Value = typename std::decay_t<decltype(values)>::value_type;
      file.write<Value>(name, {static_cast<std::int64_t>(values.size())}, values);
    });
  });
}

Solutions PartialSolution::read(const Block& block) const {
  const Hdf5File file = Hdf5File::open(file_of(block.rows));
  Solutions solutions;
  for_each_solution_array(contents_, [&](const char* name, SolutionRows, auto array) {
    auto& values = array(solutions);
    using Value = typename std::decay_t<decltype(values)>::value_type;
    values = file.read<Value>(name);
  });
  solutions.counts.newton = integer_attribute(file, "newton");
  solutions.counts.replaced_starts = integer_attribute(file, "replaced_starts");
  return solutions;
}

std::int64_t PartialSolution::place_plan_entries() {
  std::vector<std::int64_t> begins, counts;
  for (const Block& block : blocks_) {
    begins.push_back(block.rows.begin);
    counts.push_back(block.plan_entries);
  }
  begins = communicator_.gather(begins);
  counts = communicator_.gather(counts);
  const auto blocks = communicator_.all_reduce(static_cast<std::int64_t>(blocks_.size()),
                                               distributed::Reduction::sum);
  begins.resize(static_cast<std::size_t>(blocks));
  counts.resize(static_cast<std::size_t>(blocks));
  communicator_.broadcast(std::span<std::int64_t>(begins));
  communicator_.broadcast(std::span<std::int64_t>(counts));
  std::map<std::int64_t, std::int64_t> entries;  // by the first problem
  for (std::size_t k = 0; k < begins.size(); ++k) entries[begins[k]] = counts[k];
  std::int64_t total = 0;
  for (auto& [begin, count] : entries) total += std::exchange(count, total);
  for (Block& block : blocks_) block.first_entry = entries[block.rows.begin];
  return total;
}

void PartialSolution::for_each(
    const std::function<void(Shard, Solutions, std::int64_t first_entry)>& body) {
  const auto calls = communicator_.all_reduce(static_cast<std::int64_t>(blocks_.size()),
                                              distributed::Reduction::max);
  blocks_.resize(static_cast<std::size_t>(calls));
  for (Block& block : blocks_) {
    Solutions solutions = std::move(block.solutions);
    communicator_.agree([&] {
      if (block.in_file) solutions = read(block);
    });
    body(block.rows, std::move(solutions), block.first_entry);
  }
  blocks_.clear();
}

void PartialSolution::remove() {
  remove_parts(folder_, prefix, identity_, communicator_);
}

}  // namespace otfleet
