#include "src/reports/versions.hpp"

#include <hdf5.h>
#include <mpi.h>
#include <spdlog/fmt/fmt.h>

#include "kernels/runtime.hpp"
#include "otfleet_revision.hpp"  // written by write_revision.cmake at every build

namespace otfleet {
namespace {

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));  // the rest is build hosts and dates
}

std::string compiler() {
#ifdef __clang__
  return fmt::format("Clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

nlohmann::json versions() {
  return {{"otfleet", OTFLEET_VERSION},
          {"kokkos", kernels::kokkos_version()},
          {"libtorch", OTFLEET_TORCH_VERSION},
          {"hdf5", hdf5_version()},
          {"mpi", mpi_version()},
          {"compiler", compiler()}};
}

std::string revision() {
  return OTFLEET_REVISION;
}

std::string execution_space() {
  return kernels::space_name();
}

std::string version_text() {
  auto others = versions();
  others.erase("otfleet");
  std::string text = fmt::format("otfleet {} (revision {})\nexecution space: {}", OTFLEET_VERSION,
                                 revision(), execution_space());
  for (const auto& [library, version] : others.items()) {
    text += fmt::format("\n{}: {}", library, version.get<std::string>());
  }
  return text;
}

}  // namespace otfleet
