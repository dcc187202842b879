#pragma once
#include <mpi.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace otfleet::distributed {

enum class Reduction { sum, min, max };

/// A private duplicate of an MPI communicator, so that our messages never meet those of a library.
/// Copies share the duplicate; the last one frees it. Every method is collective unless it says
/// 'local': all ranks call it, in the same order, with arguments of the same size.
class Communicator {
 public:
  /// Duplicates `parent`. Collective over `parent`; MPI must be initialized.
  explicit Communicator(MPI_Comm parent);

  static Communicator world() { return Communicator(MPI_COMM_WORLD); }
  static Communicator self() { return Communicator(MPI_COMM_SELF); }

  int rank() const { return rank_; }            ///< local
  int size() const { return size_; }            ///< local
  bool is_root() const { return rank_ == 0; }   ///< local
  MPI_Comm handle() const { return *handle_; }  ///< local; for this folder, HDF5 and NCCL only

  void barrier() const;
  /// A barrier whose waiters sleep, a millisecond at a time, instead of keeping a core busy.
  /// With `patience`, seconds, it gives up after them, and returns false: the communicator is then
  /// of no more use.
  bool quiet_barrier(double patience = std::numeric_limits<double>::infinity()) const;

  /// The lowest `count` ranks as a communicator of their own; none on the others.
  std::optional<Communicator> first_ranks(int count) const;

  /// How many of these ranks run on this rank's machine, and its number among them, from 0.
  int ranks_on_machine() const;
  int rank_on_machine() const;

  /// Whether some machine has more of these ranks than processors.
  bool shares_processors() const;

  /// Reduces element by element over the ranks, in place; every rank gets the result.
  void all_reduce(std::span<float> values, Reduction reduction) const;
  void all_reduce(std::span<double> values, Reduction reduction) const;
  void all_reduce(std::span<std::int64_t> values, Reduction reduction) const;
  double all_reduce(double value, Reduction reduction) const;
  std::int64_t all_reduce(std::int64_t value, Reduction reduction) const;

  /// Begins a reduction of `from` into `to`, which is of the same size and does not overlap it, and
  /// appends to `requests` what completes it (MPI_Waitall). Until then both stay and are left
  /// alone.
  void begin_all_reduce(std::span<const float> from, std::span<float> to, Reduction reduction,
                        std::vector<MPI_Request>& requests) const;

  /// Sum of the values on lower ranks (0 on rank 0).
  std::int64_t exclusive_sum(std::int64_t value) const;

  void broadcast(std::span<float> values, int root = 0) const;
  void broadcast(std::span<double> values, int root = 0) const;
  void broadcast(std::span<std::int64_t> values, int root = 0) const;
  /// Sizes may differ: every rank returns the root's string.
  std::string broadcast(std::string value, int root = 0) const;

  /// Concatenates the ranks' vectors (any lengths) in rank order on rank 0; others get {}.
  std::vector<double> gather(std::span<const double> values) const;
  std::vector<std::int64_t> gather(std::span<const std::int64_t> values) const;

  /// Every rank's value on every rank.
  std::vector<std::int64_t> all_gather(std::int64_t value) const;

  /// Runs `work` on every rank, then agrees on the outcome: if it threw anywhere, every rank throws
  /// the error of the lowest rank that failed (UserError stays UserError, as which exhausted
  /// memory counts, too; anything else becomes std::runtime_error), so that no rank waits in a
  /// collective that another never enters. `work` itself must not contain a collective that a
  /// failing rank would skip.
  void agree(const std::function<void()>& work) const;

 private:
  std::shared_ptr<MPI_Comm> handle_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace otfleet::distributed
