#pragma once
#include <algorithm>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/problems/cloud_communicator.hpp"
#include "tests/kernels/host_batch.hpp"

// Ranks that are threads of one program. They take turns, so that no two ever run: each goes on to
// its next collective call, leaves its part there and hands over.

namespace otfleet::kernels::test {

struct alignas(64) Line {
  std::byte bytes[64];
};

/// What the ranks leave for each other, and whose turn it is.
class Table {
 public:
  explicit Table(int ranks) : holders_(ranks), parts_{{}, {}} {
    for (auto& round : parts_) round.resize(static_cast<std::size_t>(ranks));
  }
  struct Part {
    Row values;
    std::vector<Line> message;
    std::size_t bytes = 0;
  };

  /// Waits for the first turn.
  void begin(int rank) {
    std::unique_lock lock(mutex_);
    wait(lock, rank);
  }
  /// Leaves a part in a round; returns those of all.
  const std::vector<Part>& exchange(int rank, int round, Part part) {
    std::unique_lock lock(mutex_);
    auto& parts = parts_[static_cast<std::size_t>(round % 2)];
    parts[static_cast<std::size_t>(rank)] = std::move(part);
    hand_over();
    wait(lock, rank);
    return parts;
  }
  void end() {
    const std::unique_lock lock(mutex_);
    hand_over();
  }

 private:
  void wait(std::unique_lock<std::mutex>& lock, int rank) {
    changed_.wait(lock, [&] { return turn_ == rank; });
  }
  void hand_over() {
    turn_ = (turn_ + 1) % holders_;
    changed_.notify_all();
  }

  int holders_, turn_ = 0;
  std::vector<Part> parts_[2];
  std::mutex mutex_;
  std::condition_variable changed_;
};

class ThreadRank final : public CloudCommunicator {
 public:
  ThreadRank(Table& table, int ranks, int number) : table_(table), ranks_(ranks), number_(number) {}

  int rank() const override { return number_; }
  int size() const override { return ranks_; }

  void sum(std::span<double> values) override { reduce(values, std::plus<double>()); }
  void max(std::span<double> values) override {
    reduce(values, [](double x, double y) { return std::max(x, y); });
  }
  void exchange(std::size_t bytes, const Fill& fill, const Visit& visit) override {
    Table::Part part;
    part.message.resize((bytes + sizeof(Line) - 1) / sizeof(Line));
    part.bytes = bytes;
    fill(reinterpret_cast<std::byte*>(part.message.data()));
    const auto& all = table_.exchange(number_, round_++, std::move(part));
    for (std::size_t k = 0; k < all.size(); ++k) {
      const auto& shown = all[(static_cast<std::size_t>(number_) + k) % all.size()];
      visit(reinterpret_cast<const std::byte*>(shown.message.data()), shown.bytes);
    }
  }

 private:
  template <class Operation>
  void reduce(std::span<double> values, const Operation& operation) {
    Table::Part part;
    part.values.assign(values.begin(), values.end());
    const auto& all = table_.exchange(number_, round_++, std::move(part));
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] = all[0].values[k];
      for (std::size_t h = 1; h < all.size(); ++h)
        values[k] = operation(values[k], all[h].values[k]);
    }
  }

  Table& table_;
  int ranks_, number_, round_ = 0;
};

/// Runs work(communicator, rank) for every rank; rethrows the first failure.
inline void on_ranks(int ranks, const std::function<void(CloudCommunicator&, int)>& work) {
  Table table(ranks);
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(ranks));
  for (int h = 0; h < ranks; ++h)
    threads.emplace_back([&, h] {
      table.begin(h);
      try {
        ThreadRank rank(table, ranks, h);
        work(rank, h);
      } catch (...) {
        failures[static_cast<std::size_t>(h)] = std::current_exception();
      }
      table.end();
    });
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace otfleet::kernels::test
