#pragma once
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "distributed/communicator.hpp"

namespace otfleet::test {

/// A fresh folder, the same on all ranks, removed in the end. Collective.
class TestFolder {
 public:
  explicit TestFolder(const distributed::Communicator& communicator) : communicator_(communicator) {
    std::string name;
    communicator_.agree([&] {
      if (!communicator_.is_root()) return;
      name = (std::filesystem::temp_directory_path() / "otfleet-test-XXXXXX").string();
      if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make " + name);
    });
    path_ = communicator_.broadcast(name);
  }
  ~TestFolder() {
    communicator_.barrier();
    std::error_code ignored;
    if (communicator_.is_root()) std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  distributed::Communicator communicator_;
  std::filesystem::path path_;
};

}  // namespace otfleet::test
