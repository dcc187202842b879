#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <typeindex>
#include <vector>

namespace otfleet::kernels {

/// What solvers have prepared for a cost, whatever its type: the few last ones. Preparing takes as
/// long as many iterations, and a population is solved in many calls.
class TableCache {
 public:
  /// The `Tables` of this epsilon, made by make() when they are not there. Tables made for
  /// certificates serve solvers, too. Safe to call from several threads.
  template <class Tables, class Make>
  std::shared_ptr<const Tables> find_or_make(double epsilon, bool for_certificate,
                                             const Make& make) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Entry& entry : entries_)
      if (entry.epsilon == epsilon && entry.type == std::type_index(typeid(Tables)) &&
          (entry.for_certificate || !for_certificate))
        return std::static_pointer_cast<const Tables>(entry.tables);
    const std::shared_ptr<const Tables> tables = make();
    if (entries_.size() == most) entries_.erase(entries_.begin());
    entries_.push_back({std::type_index(typeid(Tables)), epsilon, for_certificate, tables});
    return tables;
  }

 private:
  /// A solver's, a certificate's and Newton's, at two values of epsilon.
  static constexpr std::size_t most = 6;
  struct Entry {
    std::type_index type;
    double epsilon;
    bool for_certificate;
    std::shared_ptr<const void> tables;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace otfleet::kernels
