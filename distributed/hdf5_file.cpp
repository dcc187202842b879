#include "distributed/hdf5_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include "distributed/detail/hdf5_handle.hpp"

// Opening, creating, closing and looking around; the data itself is in hdf5_data.cpp, attributes
// in hdf5_attributes.cpp.
namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;
using detail::fail;
using detail::fail_with_reason;
using detail::Handle;

/// HDF5 closes what it holds when MPI_Finalize begins or the program ends. Over a file that failed
/// to close before, on a full disk say, it then crashes (1.10) or waits for ranks that never come.
/// Started before MPI_Init and told so here, it leaves that out: Hdf5File closes its own files.
[[maybe_unused]] const bool started_before_main = [] {
  H5dont_atexit();
  return H5open() >= 0;
}();

/// Opens and closes `path` by the system's own call, whose errors say more than HDF5's.
void probe(const fs::path& path, int flags, const std::string& what) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(path, what + ": " + std::strerror(errno));
  ::close(descriptor);
}

void probe_creation(const fs::path& path) {
  probe(path, O_RDWR | O_CREAT, "cannot be created");
}

/// Access properties of every file: no failure on file systems without locks, and the format of
/// HDF5 1.8, the first that lets an attribute exceed 64 KB.
Handle file_access() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access.get(), true, true);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);
  return access;
}

bool mpi_is_over() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  return finalized != 0;
}

const std::string unfinished = "cannot be written to the end";

/// Checks that the disk has room for what HDF5 still holds in memory, by growing the file and
/// shrinking it again: in a collective flush a rank that cannot write leaves the others waiting.
/// File systems that cannot reserve space are taken at their word.
void check_room(const fs::path& path, hid_t file) {
  std::size_t in_memory = 0;
  if (H5Fget_mdc_size(file, nullptr, nullptr, &in_memory, nullptr) < 0) in_memory = 0;
  const off_t needed = static_cast<off_t>(in_memory) + (off_t{1} << 20);  // blocks are not full
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) fail(path, unfinished + ": " + std::strerror(errno));
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  int error = 0;
  if (size < 0 || ::fallocate(descriptor, 0, size, needed) != 0) error = errno;
  if (error == 0 && ::ftruncate(descriptor, size) != 0) error = errno;
  ::close(descriptor);
  if (error != 0 && error != EOPNOTSUPP && error != ENOSYS) {
    fail(path, unfinished + ": " + std::strerror(error));
  }
}

/// Flushes and closes, or throws. A collective file that cannot be flushed stays open until the
/// program ends: its ranks are out of step, and HDF5's collective close would hang.
void shut(const fs::path& path, hid_t file, const std::optional<Communicator>& communicator) {
  if (communicator) {
    communicator->agree([&] {
      if (communicator->is_root()) check_room(path, file);
    });
  }
  const bool flushed = H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0;
  const std::string reason = flushed ? "" : detail::hdf5_reason();
  bool closed = communicator || H5Fclose(file) >= 0;
  detail::agree(communicator, [&] {
    if (!flushed) fail(path, unfinished + (reason.empty() ? "" : " (" + reason + ")"));
    if (!closed) fail_with_reason(path, "cannot be closed");
  });
  if (!communicator) return;
  closed = H5Fclose(file) >= 0;
  communicator->agree([&] {
    if (!closed) fail_with_reason(path, "cannot be closed");
  });
}

}  // namespace

bool Hdf5File::is_hdf5(const fs::path& path) {
  detail::silence_hdf5_errors();
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && H5Fis_hdf5(path.c_str()) > 0;
}

Hdf5File Hdf5File::open(const fs::path& path) {
  detail::silence_hdf5_errors();
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) fail(path, "is a folder; an HDF5 file was expected");
  probe(path, O_RDONLY, "cannot be read");
  if (fs::file_size(path, ignored) == 0) fail(path, "is empty; an HDF5 file was expected");
  if (H5Fis_hdf5(path.c_str()) == 0) fail(path, "is no HDF5 file; an HDF5 file was expected");
  const Handle access = file_access();
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get());
  if (file < 0) fail_with_reason(path, "is a truncated, damaged or locked HDF5 file");
  return Hdf5File(path, file, std::nullopt);
}

Hdf5File Hdf5File::create(const fs::path& path) {
  detail::silence_hdf5_errors();
  probe_creation(path);
  const Handle access = file_access();
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get());
  if (file < 0) fail_with_reason(path, "cannot be created as an HDF5 file");
  return Hdf5File(path, file, std::nullopt);
}

Hdf5File Hdf5File::create(const fs::path& path, const Communicator& communicator) {
  // MPI's files have helpers of their own, which one rank can do without.
  if (communicator.size() == 1) return create(path);
  detail::silence_hdf5_errors();
  communicator.agree([&] {
    if (communicator.is_root()) probe_creation(path);
  });
  communicator.agree([&] {
    probe(path, O_RDWR,
          "made by rank 0 but out of reach of rank " + std::to_string(communicator.rank()) +
              "; a folder that all ranks share was expected");
  });
  const Handle access = file_access();
  H5Pset_fapl_mpio(access.get(), communicator.handle(), MPI_INFO_NULL);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get());
  // A rank that succeeded where another failed keeps its file open: closing it is collective.
  communicator.agree([&] {
    if (file < 0) fail_with_reason(path, "cannot be created as an HDF5 file");
  });
  return Hdf5File(path, file, communicator);
}

Hdf5File::Hdf5File(fs::path path, hid_t file, std::optional<Communicator> communicator)
    : path_(std::move(path)), file_(file), communicator_(std::move(communicator)) {}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : path_(other.path_),
      file_(std::exchange(other.file_, -1)),
      communicator_(std::move(other.communicator_)),
      piece_bytes_(other.piece_bytes_) {}

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(communicator_, other.communicator_);
  std::swap(piece_bytes_, other.piece_bytes_);
  return *this;
}

Hdf5File::~Hdf5File() {
  if (file_ < 0 || (communicator_ && mpi_is_over())) return;
  // After an error of this rank alone nobody else comes to close the file: it stays open.
  if (communicator_ && std::uncaught_exceptions() > 0) return;
  try {
    shut(path_, file_, communicator_);
  } catch (const std::exception&) {  // close() is there to report it
  }
}

void Hdf5File::close() {
  if (file_ < 0) return;
  shut(path_, std::exchange(file_, -1), communicator_);
}

bool Hdf5File::has(const std::string& object) const {
  detail::require_open(path_, file_);
  return detail::object_exists(file_, object);
}

bool Hdf5File::is_group(const std::string& object) const {
  detail::require_open(path_, file_);
  if (!detail::object_exists(file_, object)) return false;
  return H5Iget_type(detail::open_object(path_, file_, object).get()) == H5I_GROUP;
}

std::vector<std::string> Hdf5File::children(const std::string& group) const {
  detail::require_open(path_, file_);
  const Handle handle = detail::open_object(path_, file_, group);
  if (H5Iget_type(handle.get()) != H5I_GROUP) {
    fail(path_, "'" + group + "' is a dataset; a group was expected");
  }
  std::vector<std::string> names;
  const auto keep = [](hid_t, const char* name, const H5L_info_t*, void* all) -> herr_t {
    static_cast<std::vector<std::string>*>(all)->emplace_back(name);
    return 0;
  };
  if (H5Literate(handle.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names) < 0) {
    fail_with_reason(path_, "cannot list group '" + group + "'");
  }
  std::sort(names.begin(), names.end());
  return names;
}

void Hdf5File::create_group(const std::string& group) {
  detail::require_open(path_, file_);
  bool exists = false;
  detail::agree(communicator_, [&] {
    if (group.empty() || group.front() != '/') {
      fail(path_, "'" + group + "' is no absolute path; one like '/group' was expected");
    }
    exists = has(group);
    if (exists && !is_group(group)) {
      fail(path_, "'" + group + "' is a dataset; a group was expected");
    }
  });
  if (exists) return;
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Handle handle(H5Gcreate2(file_, group.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT),
                      H5Gclose);
  detail::agree(communicator_, [&] {
    if (!handle.valid()) fail_with_reason(path_, "cannot create group '" + group + "'");
  });
}

}  // namespace otfleet::distributed
