#include "distributed/communicator.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "distributed/error.hpp"

namespace otfleet::distributed {
namespace {

// MPI counts are ints; longer arrays travel in pieces. 2^28 values are 2 GiB of doubles.
constexpr std::size_t piece_length = std::size_t{1} << 28;

constexpr int gather_tag = 1;

template <class Scalar>
MPI_Datatype mpi_type();
template <>
MPI_Datatype mpi_type<float>() {
  return MPI_FLOAT;
}
template <>
MPI_Datatype mpi_type<double>() {
  return MPI_DOUBLE;
}
template <>
MPI_Datatype mpi_type<std::int64_t>() {
  return MPI_INT64_T;
}
template <>
MPI_Datatype mpi_type<char>() {
  return MPI_CHAR;
}

MPI_Op mpi_operation(Reduction reduction) {
  switch (reduction) {
    case Reduction::sum:
      return MPI_SUM;
    case Reduction::min:
      return MPI_MIN;
    case Reduction::max:
      return MPI_MAX;
  }
  throw std::logic_error("unknown Reduction");
}

/// Calls move(first value, count) for consecutive pieces of `values`.
template <class Scalar, class Move>
void in_pieces(std::span<Scalar> values, Move&& move) {
  for (std::size_t begin = 0; begin < values.size(); begin += piece_length) {
    const std::size_t count = std::min(piece_length, values.size() - begin);
    move(values.data() + begin, static_cast<int>(count));
  }
}

template <class Scalar>
void reduce_all(std::span<Scalar> values, Reduction reduction, MPI_Comm communicator) {
  in_pieces(values, [&](Scalar* data, int count) {
    MPI_Allreduce(MPI_IN_PLACE, data, count, mpi_type<Scalar>(), mpi_operation(reduction),
                  communicator);
  });
}

template <class Scalar>
void broadcast_all(std::span<Scalar> values, int root, MPI_Comm communicator) {
  in_pieces(values, [&](Scalar* data, int count) {
    MPI_Bcast(data, count, mpi_type<Scalar>(), root, communicator);
  });
}

// Point to point rather than MPI_Gatherv, whose int displacements end at 2^31 values in all.
template <class Scalar>
std::vector<Scalar> gather_on_root(std::span<const Scalar> values, const Communicator& ranks) {
  const std::int64_t mine = static_cast<std::int64_t>(values.size());
  std::vector<std::int64_t> counts(ranks.is_root() ? ranks.size() : 0);
  MPI_Gather(&mine, 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, 0, ranks.handle());
  if (!ranks.is_root()) {
    in_pieces(values, [&](const Scalar* data, int count) {
      MPI_Send(data, count, mpi_type<Scalar>(), 0, gather_tag, ranks.handle());
    });
    return {};
  }
  std::size_t total = 0;
  for (const std::int64_t count : counts) total += static_cast<std::size_t>(count);
  std::vector<Scalar> all(total);
  std::copy(values.begin(), values.end(), all.begin());
  std::size_t begin = values.size();
  for (int rank = 1; rank < ranks.size(); ++rank) {
    const std::size_t length = static_cast<std::size_t>(counts[rank]);
    in_pieces(std::span<Scalar>(all).subspan(begin, length), [&](Scalar* data, int count) {
      MPI_Recv(data, count, mpi_type<Scalar>(), rank, gather_tag, ranks.handle(),
               MPI_STATUS_IGNORE);
    });
    begin += length;
  }
  return all;
}

/// What `question`, MPI_Comm_size or MPI_Comm_rank, answers of the ranks on this one's machine.
int ask_machine(MPI_Comm ranks, int rank, int (*question)(MPI_Comm, int*)) {
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(ranks, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine);
  int answer = 0;
  question(machine, &answer);
  MPI_Comm_free(&machine);
  return answer;
}

}  // namespace

Communicator::Communicator(MPI_Comm parent) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (!initialized) throw std::logic_error("Communicator needs MPI_Init first");
  handle_ = std::shared_ptr<MPI_Comm>(new MPI_Comm(MPI_COMM_NULL), [](MPI_Comm* handle) {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (!finalized && *handle != MPI_COMM_NULL) MPI_Comm_free(handle);
    delete handle;
  });
  MPI_Comm_dup(parent, handle_.get());
  MPI_Comm_rank(*handle_, &rank_);
  MPI_Comm_size(*handle_, &size_);
}

bool Communicator::quiet_barrier(double patience) const {
  const double begin = MPI_Wtime();
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(*handle_, &request);
  for (int done = 0; done == 0;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) break;
    if (MPI_Wtime() - begin > patience) return false;
    usleep(1000);
  }
  return true;
}

std::optional<Communicator> Communicator::first_ranks(int count) const {
  MPI_Comm some = MPI_COMM_NULL;
  MPI_Comm_split(*handle_, rank_ < count ? 0 : MPI_UNDEFINED, rank_, &some);
  if (some == MPI_COMM_NULL) return {};
  std::optional<Communicator> result(some);
  MPI_Comm_free(&some);
  return result;
}

int Communicator::ranks_on_machine() const {
  return ask_machine(*handle_, rank_, MPI_Comm_size);
}

int Communicator::rank_on_machine() const {
  return ask_machine(*handle_, rank_, MPI_Comm_rank);
}

bool Communicator::shares_processors() const {
  const bool crowded = ranks_on_machine() > sysconf(_SC_NPROCESSORS_ONLN);
  return all_reduce(std::int64_t{crowded}, Reduction::max) > 0;
}

void Communicator::barrier() const {
  MPI_Barrier(*handle_);
}

void Communicator::all_reduce(std::span<float> values, Reduction reduction) const {
  reduce_all(values, reduction, *handle_);
}

void Communicator::all_reduce(std::span<double> values, Reduction reduction) const {
  reduce_all(values, reduction, *handle_);
}

void Communicator::all_reduce(std::span<std::int64_t> values, Reduction reduction) const {
  reduce_all(values, reduction, *handle_);
}

double Communicator::all_reduce(double value, Reduction reduction) const {
  reduce_all(std::span<double>(&value, 1), reduction, *handle_);
  return value;
}

std::int64_t Communicator::all_reduce(std::int64_t value, Reduction reduction) const {
  reduce_all(std::span<std::int64_t>(&value, 1), reduction, *handle_);
  return value;
}

void Communicator::begin_all_reduce(std::span<const float> from, std::span<float> to,
                                    Reduction reduction, std::vector<MPI_Request>& requests) const {
  in_pieces(from, [&](const float* data, int count) {
    MPI_Iallreduce(data, to.data() + (data - from.data()), count, MPI_FLOAT,
                   mpi_operation(reduction), *handle_, &requests.emplace_back(MPI_REQUEST_NULL));
  });
}

std::int64_t Communicator::exclusive_sum(std::int64_t value) const {
  std::int64_t sum = 0;
  MPI_Exscan(&value, &sum, 1, MPI_INT64_T, MPI_SUM, *handle_);
  return is_root() ? 0 : sum;  // MPI leaves rank 0's result undefined
}

void Communicator::broadcast(std::span<float> values, int root) const {
  broadcast_all(values, root, *handle_);
}

void Communicator::broadcast(std::span<double> values, int root) const {
  broadcast_all(values, root, *handle_);
}

void Communicator::broadcast(std::span<std::int64_t> values, int root) const {
  broadcast_all(values, root, *handle_);
}

std::string Communicator::broadcast(std::string value, int root) const {
  std::int64_t length = static_cast<std::int64_t>(value.size());
  broadcast_all(std::span<std::int64_t>(&length, 1), root, *handle_);
  value.resize(static_cast<std::size_t>(length));
  broadcast_all(std::span<char>(value), root, *handle_);
  return value;
}

std::vector<double> Communicator::gather(std::span<const double> values) const {
  return gather_on_root(values, *this);
}

std::vector<std::int64_t> Communicator::gather(std::span<const std::int64_t> values) const {
  return gather_on_root(values, *this);
}

std::vector<std::int64_t> Communicator::all_gather(std::int64_t value) const {
  std::vector<std::int64_t> values(static_cast<std::size_t>(size_));
  MPI_Allgather(&value, 1, MPI_INT64_T, values.data(), 1, MPI_INT64_T, *handle_);
  return values;
}

void Communicator::agree(const std::function<void()>& work) const {
  std::int64_t failed_rank = size_;  // past the last rank: no failure
  std::int64_t is_user_error = 0;
  std::string message;
  try {
    work();
  } catch (const UserError& error) {
    failed_rank = rank_;
    is_user_error = 1;
    message = error.what();
  } catch (const std::exception& error) {
    failed_rank = rank_;
    message = memory_shortage(error);
    is_user_error = !message.empty();
    if (!is_user_error) message = error.what();
  } catch (...) {
    failed_rank = rank_;
    message = "an exception that is no std::exception";
  }
  const int root = static_cast<int>(all_reduce(failed_rank, Reduction::min));
  if (root == size_) return;
  broadcast(std::span<std::int64_t>(&is_user_error, 1), root);
  message = broadcast(message, root);
  if (is_user_error) throw UserError(message);
  throw std::runtime_error(message);
}

}  // namespace otfleet::distributed
