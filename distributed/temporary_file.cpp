#include "distributed/temporary_file.hpp"

#include <unistd.h>

#include <system_error>
#include <utility>

namespace otfleet::distributed {

TemporaryFile::TemporaryFile(std::filesystem::path path) : path_(std::move(path)) {
  next_ = first_.load();
  first_ = this;  // at every moment the list is whole: a signal may come at any
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  if (owned_) std::filesystem::remove(path_, ignored);
  std::atomic<const TemporaryFile*>* link = &first_;
  while (*link != this) link = &link->load()->next_;
  *link = next_.load();
}

void TemporaryFile::remove_all() noexcept {
  for (const TemporaryFile* one = first_; one != nullptr; one = one->next_)
    if (one->owned_) ::unlink(one->path_.c_str());
}

}  // namespace otfleet::distributed
