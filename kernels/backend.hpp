#pragma once
#include <cstddef>
#include <limits>

#include "kernels/kokkos_compat.hpp"

// The one place that tells processors apart: what is tuned for them, and where an algorithm takes
// another form. A kernel asks Backend<ExecutionSpace>, and for what it means, not for the
// processor.

namespace otfleet::kernels {

template <class ExecutionSpace, bool host = runs_on_host<ExecutionSpace>>
struct Backend;

/// CPUs: a team is one core, which works on a tile alone, with the vectors of its own.
template <class ExecutionSpace>
struct Backend<ExecutionSpace, true> {
  // --- teams ---
  static constexpr int team_size = 1;      ///< a tile fits the caches of one core
  static constexpr int vector_length = 1;  ///< vectors are inside a pack, see packs_are_vectors
  /// Sums need no atomics, and one buffer serves all parts of a team's work, one after the other.
  static constexpr bool team_is_one_thread = true;
  /// Kernels can call the host's objects: an IterationObserver is asked in every iteration.
  static constexpr bool observes_iterations = true;

  // --- tiles of problems side by side (lanes/, operators/in_lanes/) ---
  /// A pack is a HostPack. Not where a compiler for devices reads the file: it compiles kernels for
  /// the device, too, whatever their space, and knows no vectors there.
#if defined(__CUDACC__) || defined(__HIPCC__)
  static constexpr bool packs_are_vectors = false;
#else
  static constexpr bool packs_are_vectors = true;
#endif
  static constexpr int product_outputs = 6;  ///< of a matrix product at once: 12 of 16
                                             ///< registers hold sums
  /// Problems on grids are solved one after the other, their points in the lanes of vectors.
  static constexpr bool takes_points_in_lanes = true;
  /// Of the tiles that an operator takes together: what stays in a core's cache between steps.
  static constexpr long group_numbers = 64 * 1024;
  static constexpr int small_cloud_rows = 2;  ///< taken through the columns together
  /// Clouds of at most this many points and coordinates a side go into tiles. Measured, double: in
  /// three dimensions full tiles are faster than passes up to about 250 points, but a batch of few
  /// problems does not fill its tiles, and then costs of a large one count; beyond these
  /// coordinates the points of a tile leave the cache.
  static constexpr int most_small_points = 128, most_small_coordinates = 2048;
  /// The same for problems that have a matrix of costs each: a tile's matrices stay in the cache.
  static constexpr int most_small_entries = 64 * 64;
  /// Cost matrices of fewer entries go into tiles, unless a problem is alone; of fewer than
  /// fewest_pass_entries_alone in any case: a pass over them would be over before it is launched.
  static constexpr double fewest_pass_entries = 1 << 16, fewest_pass_entries_alone = 1 << 10;
  /// From this many entries on, passes are the better choice wherever tiles need extended numbers.
  static constexpr double many_pass_entries = 1 << 21;
  /// So many problems fill the tiles, of plain and of extended numbers. Measured: a pass costs an
  /// exponential an entry; a tile's sums cost two multiply-adds an entry and lane where numbers are
  /// plain, ten times as much where not, and its tables a few hundred operations an entry.
  static constexpr int fill_plain_tiles = 4, fill_extended_tiles = 8;

  // --- passes over one problem after the other (operators/in_passes/) ---
  static constexpr int pass_rows = 6;    ///< taken through the columns in registers
  static constexpr int strip_rows = 48;  ///< of one thread, whose coordinates stay in its caches
  static constexpr int chunk_bytes = 16 * 1024;  ///< of columns: half of a first-level cache
  /// A thread keeps the exponentials of a few rows in its cache, so that one pass has sums for both
  /// sides.
  static constexpr bool takes_two_sided_passes = packs_are_vectors;
  static constexpr std::size_t strip_bytes = 512 * 1024;  ///< of them: half of a second-level cache
  /// From so many coordinates on, a product is read faster than computed; other costs are in any
  /// case.
  static constexpr int least_kept_coordinates = 8;

  // --- problems/sort_order.hpp ---
  static constexpr long most_ranked = 0;  ///< keys that find their places by looking at all others

  // --- Newton's method ---
  static constexpr int newton_packs = 4;      ///< of a block of columns: measured
  static constexpr int cholesky_columns = 4;  ///< factored together: their sums fit registers

  // --- paths ---
  static constexpr int path_rows = 192;  ///< minimized at once, so that their pairs stay in a cache

  // --- solvers/semidiscrete/ ---
  /// Scores of a batch of samples that a team has in its memory, and those that a product makes at
  /// once: what stays in a core's second-level and in the third-level cache.
  static constexpr int score_columns = 64, score_block = 2048;
  static constexpr int score_scratch = 1;  ///< level of the team's memory

  // --- others ---
  /// Of a dot product: sums that do not wait for each other; the compiler may not take one apart.
  static constexpr int partial_sums = 16;
};

/// GPUs: a team is several warps, whose threads share the work on a tile. None of these numbers is
/// tuned; where no reason is given, it is the CPU's.
template <class ExecutionSpace>
struct Backend<ExecutionSpace, false> {
  // --- teams ---
  static constexpr int team_size = 8;
  static constexpr int vector_length = 32;  ///< a warp: neighboring threads are neighboring lanes
  static constexpr bool team_is_one_thread = false;
  static constexpr bool observes_iterations = false;  ///< the host's objects are out of reach

  // --- tiles of problems side by side (lanes/, operators/in_lanes/) ---
  static constexpr bool packs_are_vectors = false;  ///< a pack is one number of one thread
  static constexpr int product_outputs = 4;         ///< fewer registers, more threads at once
  static constexpr bool takes_points_in_lanes = false;
  /// Half a gibibyte: every step of an operator should fill the device.
  static constexpr long group_numbers = 64l * 1024 * 1024;
  static constexpr int small_cloud_rows = 2;
  static constexpr int most_small_points = 128, most_small_coordinates = 2048;
  static constexpr int most_small_entries = 64 * 64;
  static constexpr double fewest_pass_entries = 1 << 16, fewest_pass_entries_alone = 1 << 16;
  static constexpr double many_pass_entries = 1 << 21;
  static constexpr int fill_plain_tiles = 4, fill_extended_tiles = 8;

  // --- passes over one problem after the other (operators/in_passes/) ---
  static constexpr int pass_rows = 1;   ///< a row a warp, whose threads take the columns
  static constexpr int strip_rows = 1;  ///< the same
  static constexpr int chunk_bytes = std::numeric_limits<int>::max();  ///< all columns
  static constexpr bool takes_two_sided_passes = false;
  static constexpr std::size_t strip_bytes = 0;
  static constexpr int least_kept_coordinates = 8;

  // --- problems/sort_order.hpp ---
  /// Comparisons are then a thousand for each of so many threads, and the host need not wait.
  static constexpr long most_ranked = 1 << 16;

  // --- Newton's method ---
  static constexpr int newton_packs = 1;  ///< a column a thread
  static constexpr int cholesky_columns = 4;

  // --- paths ---
  static constexpr int path_rows = 1 << 15;  ///< they should fill the device

  // --- solvers/semidiscrete/ ---
  static constexpr int score_columns = 32, score_block = 1 << 18;  ///< half of a shared memory
  static constexpr int score_scratch = 0;

  // --- others ---
  static constexpr int partial_sums = 1;  ///< of a thread: the team has many
};

/// Teams that can run at the same time; workspaces are allocated per team.
template <class ExecutionSpace>
int concurrent_teams(const ExecutionSpace& space) {
  // On a GPU concurrency() counts resident threads.
  constexpr int threads =
      Backend<ExecutionSpace>::team_size * Backend<ExecutionSpace>::vector_length;
  const int teams = static_cast<int>(space.concurrency()) / threads;
  return teams > 0 ? teams : 1;
}

}  // namespace otfleet::kernels
