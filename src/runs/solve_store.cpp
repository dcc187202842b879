#include "src/runs/solve_store.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <type_traits>
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
using distributed::Communicator;
using distributed::Hdf5File;
using distributed::Reduction;
using distributed::Shard;
using std::chrono::steady_clock;

constexpr const char* rows_prefix = "rows-";
constexpr const char* potentials_prefix = "potentials-";

/// How much memory solutions of a rank may fill that wait: half a gigabyte, all ranks of a machine
/// together an eighth of it.
std::size_t memory_for_solutions(const Communicator& communicator) {
  constexpr std::size_t most = std::size_t{1} << 29;
  const auto machine = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(most, machine / 8 / static_cast<std::size_t>(communicator.ranks_on_machine()));
}

std::int64_t integer_attribute(const Hdf5File& file, const std::string& name) {
  return static_cast<std::int64_t>(file.number_attribute("/", name).value_or(-1));
}

std::string potentials_name(std::int64_t problem, Shard points, const std::string& job) {
  return fmt::format("{}{:012}-{:012}-{:012}{}", potentials_prefix, problem, points.begin,
                     points.end, part_ending(job));
}

}  // namespace

SolveStore::SolveStore(fs::path folder, const Communicator& communicator, SolutionLayout layout,
                       std::string identity, double checkpoint_seconds, Iterated iterated)
    : folder_(std::move(folder)),
      communicator_(communicator),
      iterating_(iterated == Iterated::by_all_ranks ? communicator : Communicator::self()),
      layout_(std::move(layout)),
      identity_(std::move(identity)),
      interval_(checkpoint_seconds),
      most_bytes_(memory_for_solutions(communicator)) {
  find_solved();
  find_potentials();
}

bool SolveStore::has_solved(const fs::path& folder) {
  return !part_names(folder, rows_prefix).empty();
}

bool SolveStore::has_shared_potentials(const fs::path& folder) {
  const auto names = part_names(folder, potentials_prefix);
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    long long begin = 0;
    return std::sscanf(name.c_str(), "potentials-%*d-%lld-", &begin) == 1 && begin > 0;
  });
}

fs::path SolveStore::file_of(Shard problems) const {
  return folder_ / fmt::format("{}{:012}-{:012}{}", rows_prefix, problems.begin, problems.end,
                               part_ending(identity_));
}

SolveStore::Verdict SolveStore::inspect(const fs::path& path, Block& block) const {
  try {
    const Hdf5File file = Hdf5File::open(path);
    if (file.string_attribute("/", "job") != identity_) return Verdict::of_another_job;
    distributed::check_seal(file);
    block.problems = {integer_attribute(file, "rows_begin"), integer_attribute(file, "rows_end")};
    if (file_of(block.problems) != path) return Verdict::damaged;  // renamed by hand
    block.counted.assign(layout_.spaces.size(), 0);
    for (const Column& column : layout_.columns)
      if (layout_.spaces[column.space].counted) {
        std::int64_t rows = file.info(column.dataset).shape[0];
        for (const std::int64_t extent : column.shape) rows /= std::max<std::int64_t>(extent, 1);
        block.counted[column.space] = rows;
      }
    block.in_file = true;
    return Verdict::good;
  } catch (const UserError&) {
    return Verdict::damaged;
  }
}

void SolveStore::find_solved() {
  const auto names = agreed_part_names(folder_, rows_prefix, communicator_);
  // To read them all is work for all ranks. Verdict, begin and end of every file.
  std::vector<std::int64_t> seen(3 * names.size(), 0);
  std::map<std::size_t, Block> mine;
  const auto size = static_cast<std::size_t>(communicator_.size());
  for (auto k = static_cast<std::size_t>(communicator_.rank()); k < names.size(); k += size) {
    Block& block = mine[k];
    seen[3 * k] = static_cast<std::int64_t>(inspect(folder_ / names[k], block));
    seen[3 * k + 1] = block.problems.begin;
    seen[3 * k + 2] = block.problems.end;
  }
  communicator_.all_reduce(std::span<std::int64_t>(seen), Reduction::sum);
  std::int64_t covered = 0;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const auto verdict = static_cast<Verdict>(seen[3 * k]);
    const Shard problems{seen[3 * k + 1], seen[3 * k + 2]};
    const char* complaint = verdict == Verdict::damaged          ? "is damaged"
                            : verdict == Verdict::of_another_job ? "is of another job"
                            : problems.begin < covered
                                ? "holds problems that another file holds too"
                                : nullptr;
    if (complaint != nullptr) {
      spdlog::warn("{} {}; it is not used", (folder_ / names[k]).string(), complaint);
      continue;
    }
    covered = problems.end;
    found_.push_back(problems);
    if (mine.contains(k)) blocks_.push_back(std::move(mine[k]));
  }
}

void SolveStore::find_potentials() {
  for (const auto& name : agreed_part_names(folder_, potentials_prefix, communicator_)) {
    long long problem = 0, begin = 0, end = 0;
    if (std::sscanf(name.c_str(), "potentials-%lld-%lld-%lld-", &problem, &begin, &end) == 3)
      potentials_.push_back({problem, {begin, end}, folder_ / name});
  }
}

std::int64_t SolveStore::solved(Shard problems) const {
  std::int64_t count = 0;
  for (const Block& block : blocks_)
    count += std::max<std::int64_t>(
        std::min(problems.end, block.problems.end) - std::max(problems.begin, block.problems.begin),
        0);
  return communicator_.all_reduce(count, Reduction::sum);
}

void SolveStore::add(Shard problems, SolutionTable table) {
  if (problems.size() == 0) return;
  bytes_in_memory_ += table.bytes();
  if (!blocks_.empty() && !blocks_.back().in_file && blocks_.back().problems.end == problems.begin)
    blocks_.back().problems.end = problems.end;
  else
    blocks_.push_back({problems,
                       std::vector<std::int64_t>(layout_.spaces.size(), 0),
                       {},
                       SolutionTable(layout_),
                       false});
  Block& block = blocks_.back();
  block.table.append(layout_, std::move(table), block.counted);
  if (bytes_in_memory_ > most_bytes_ || steady_clock::now() - rows_saved_ >= interval_) save();
}

void SolveStore::save() {
  for (Block& block : blocks_) {
    if (block.in_file) continue;
    write(block);
    block.table = {};
    block.in_file = true;
  }
  bytes_in_memory_ = 0;
  rows_saved_ = steady_clock::now();
}

void SolveStore::write(const Block& block) const {
  write_part(file_of(block.problems), solution_part_kind, identity_, [&](Hdf5File& file) {
    file.set_attribute("/", "rows_begin", block.problems.begin);
    file.set_attribute("/", "rows_end", block.problems.end);
    for (std::size_t k = 0; k < layout_.counters.size(); ++k)
      file.set_attribute("/", layout_.counters[k], block.table.counters[k]);
    for (std::size_t c = 0; c < layout_.columns.size(); ++c)
      std::visit(
          [&](const auto& values) {
            using Value = typename std::decay_t<decltype(values)>::value_type;
            file.write<Value>(layout_.columns[c].dataset,
                              {static_cast<std::int64_t>(values.size())}, values);
          },
          block.table.columns[c]);
  });
}

SolutionTable SolveStore::read(const Block& block) const {
  const Hdf5File file = Hdf5File::open(file_of(block.problems));
  SolutionTable table(layout_);
  for (std::size_t c = 0; c < layout_.columns.size(); ++c)
    std::visit(
        [&](auto& values) {
          using Value = typename std::decay_t<decltype(values)>::value_type;
          values = file.read<Value>(layout_.columns[c].dataset);
        },
        table.columns[c]);
  for (std::size_t k = 0; k < layout_.counters.size(); ++k)
    table.counters[k] = integer_attribute(file, layout_.counters[k]);
  return table;
}

std::vector<std::int64_t> SolveStore::place_counted_rows() {
  const auto all_blocks =
      communicator_.all_reduce(static_cast<std::int64_t>(blocks_.size()), Reduction::sum);
  const auto from_all = [&](const auto& number_of) {
    std::vector<std::int64_t> numbers;
    for (const Block& block : blocks_) numbers.push_back(number_of(block));
    numbers = communicator_.gather(numbers);
    numbers.resize(static_cast<std::size_t>(all_blocks));
    communicator_.broadcast(std::span<std::int64_t>(numbers));
    return numbers;
  };
  const auto begins = from_all([](const Block& block) { return block.problems.begin; });
  std::vector<std::int64_t> totals(layout_.spaces.size(), 0);
  for (Block& block : blocks_) block.first.assign(layout_.spaces.size(), 0);
  for (std::size_t s = 0; s < layout_.spaces.size(); ++s) {
    if (!layout_.spaces[s].counted) continue;
    const auto counts = from_all([&](const Block& block) { return block.counted[s]; });
    std::map<std::int64_t, std::int64_t> rows;  // by the first problem
    for (std::size_t k = 0; k < begins.size(); ++k) rows[begins[k]] = counts[k];
    for (auto& [begin, count] : rows) totals[s] += std::exchange(count, totals[s]);
    for (Block& block : blocks_) block.first[s] = rows[block.problems.begin];
  }
  return totals;
}

void SolveStore::for_each(
    const std::function<void(Shard, SolutionTable, const std::vector<std::int64_t>&)>& body) {
  const auto calls =
      communicator_.all_reduce(static_cast<std::int64_t>(blocks_.size()), Reduction::max);
  const Block nothing{
      {}, {}, std::vector<std::int64_t>(layout_.spaces.size(), 0), SolutionTable(layout_), false};
  blocks_.resize(static_cast<std::size_t>(calls), nothing);
  for (Block& block : blocks_) {
    SolutionTable table = std::move(block.table);
    communicator_.agree([&] {
      if (block.in_file) table = read(block);
    });
    body(block.problems, std::move(table), block.first);
  }
  blocks_.clear();
}

bool SolveStore::has_potentials(std::int64_t problem) const {
  return std::any_of(potentials_.begin(), potentials_.end(),
                     [&](const Potentials& one) { return one.problem == problem; });
}

std::int64_t SolveStore::load_potentials(std::int64_t problem, Shard points,
                                         std::vector<double>& f) const {
  std::vector<std::int64_t> iterations(f.size(), 0);  // behind each point
  iterating_.agree([&] {
    for (const Potentials& one : potentials_) {
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
  return iterating_.all_reduce(most, Reduction::max);
}

SolveStore::Due SolveStore::due() const {
  Due due = Due::nothing;
  if (iterating_.is_root() && steady_clock::now() - potentials_saved_ >= interval_) due = Due::save;
  if (interruption_requested()) due = Due::end;
  return static_cast<Due>(iterating_.all_reduce(static_cast<std::int64_t>(due), Reduction::max));
}

void SolveStore::save_potentials(std::int64_t problem, Shard points, const std::vector<double>& f,
                                 std::int64_t iterations) {
  iterating_.agree([&] {
    if (points.size() == 0) return;
    write_part(folder_ / potentials_name(problem, points, identity_), partial_potentials_kind,
               identity_, [&](Hdf5File& file) {
                 file.set_attribute("/", "iterations", iterations);
                 file.write<double>("/f", {points.size()}, f);
               });
  });
  potentials_saved_ = steady_clock::now();
}

void SolveStore::remove() {
  for (const char* prefix : {potentials_prefix, rows_prefix})
    remove_parts(folder_, prefix, identity_, communicator_);
}

}  // namespace otfleet
