#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace otfleet {

/// Versions of otfleet, its libraries and the compiler, by name. Local; needs neither MPI nor
/// Kokkos to be initialized, nor do the others here.
nlohmann::json versions();

/// `git describe --always --dirty` when otfleet was built; "unknown" outside a repository.
std::string revision();

/// Kokkos' default execution space, such as "Serial" or "Cuda".
std::string execution_space();

/// What `otfleet --version` prints, without a line break at the end.
std::string version_text();

}  // namespace otfleet
