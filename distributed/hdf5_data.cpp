#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "distributed/detail/hdf5_handle.hpp"
#include "distributed/detail/hdf5_pieces.hpp"
#include "distributed/hdf5_file.hpp"

// Datasets of Hdf5File: their shapes, and moving their values.
namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;
using detail::fail;
using detail::fail_with_reason;
using detail::Handle;
using detail::Piece;

using Shape = std::vector<std::int64_t>;

std::string in_words(const Shape& shape) {
  std::string text = "[";
  for (std::size_t d = 0; d < shape.size(); ++d) {
    text += (d == 0 ? "" : ", ") + std::to_string(shape[d]);
  }
  return text + "]";
}

std::string in_words(Shard rows) {
  return "[" + std::to_string(rows.begin) + ", " + std::to_string(rows.end) + ")";
}

/// Product of the dimensions from `first` on; nullopt if one is negative or 2^63 is passed.
std::optional<std::int64_t> value_count(const Shape& shape, std::size_t first = 0) {
  std::int64_t product = 1;
  for (std::size_t d = first; d < shape.size(); ++d) {
    if (shape[d] < 0 || __builtin_mul_overflow(product, shape[d], &product)) return std::nullopt;
  }
  return product;
}

Handle open_dataset(const fs::path& path, hid_t file, const std::string& dataset) {
  if (!detail::object_exists(file, dataset)) fail(path, "no dataset '" + dataset + "'");
  Handle handle = detail::open_object(path, file, dataset);
  if (H5Iget_type(handle.get()) != H5I_DATASET) {
    fail(path, "'" + dataset + "' is no dataset; one was expected");
  }
  return handle;
}

/// h5py's truth values: an enumeration of FALSE = 0 and TRUE = 1.
bool is_boolean(hid_t type) {
  if (H5Tget_class(type) != H5T_ENUM || H5Tget_nmembers(type) != 2) return false;
  const Handle base(H5Tget_super(type), H5Tclose);
  for (unsigned k = 0; k < 2; ++k) {
    char* name = H5Tget_member_name(type, k);
    const std::string known = name == nullptr ? "" : name;
    H5free_memory(name);
    std::int64_t value = 0;  // as wide as any base type
    if (H5Tget_size(type) > sizeof value || H5Tget_member_value(type, k, &value) < 0 ||
        H5Tconvert(base.get(), H5T_NATIVE_INT64, 1, &value, nullptr, H5P_DEFAULT) < 0 ||
        known != (value == 0 ? "FALSE" : "TRUE") || value < 0 || value > 1)
      return false;
  }
  return true;
}

/// Throws where the values are packed by a filter that is not there: HDF5's own words say little.
void check_filters(const fs::path& path, hid_t handle, const std::string& dataset) {
  const Handle creation(H5Dget_create_plist(handle), H5Pclose);
  const int filters = H5Pget_nfilters(creation.get());
  for (int k = 0; k < filters; ++k) {
    char name[128] = {};
    std::size_t values = 0;
    unsigned flags = 0, configuration = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(creation.get(), static_cast<unsigned>(k), &flags, &values, nullptr,
                       sizeof name - 1, name, &configuration);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    fail(path, "dataset '" + dataset + "' is compressed by the HDF5 filter " +
                   std::to_string(filter) +
                   (name[0] != '\0' ? std::string(" ('") + name + "')" : "") +
                   ", which is not installed: write it with gzip or uncompressed, or set " +
                   "HDF5_PLUGIN_PATH to the folder of the filter's plugin");
  }
}

DatasetInfo describe(const fs::path& path, hid_t handle, const std::string& dataset) {
  const Handle space(H5Dget_space(handle), H5Sclose);
  const Handle type(H5Dget_type(handle), H5Tclose);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0 || !type.valid()) fail_with_reason(path, "cannot inspect dataset '" + dataset + "'");
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) {
    fail(path, "dataset '" + dataset + "' holds nothing; an array was expected");
  }
  std::vector<hsize_t> extent(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr);
  DatasetInfo info;
  info.shape.assign(extent.begin(), extent.end());
  info.is_float = H5Tget_class(type.get()) == H5T_FLOAT;
  info.is_integer = H5Tget_class(type.get()) == H5T_INTEGER || is_boolean(type.get());
  info.is_string = H5Tget_class(type.get()) == H5T_STRING;
  info.bytes_per_value = H5Tget_size(type.get());
  return info;
}

DatasetInfo describe_numbers(const fs::path& path, hid_t handle, const std::string& dataset) {
  DatasetInfo info = describe(path, handle, dataset);
  if (!info.is_float && !info.is_integer) {
    fail(path, "dataset '" + dataset + "' holds no numbers; floats or integers were expected");
  }
  return info;
}

/// Checks that `rows` lie in the dataset and that `values` is as long as they are.
void check_rows(const fs::path& path, const std::string& dataset, const Shape& shape, Shard rows,
                std::size_t values) {
  const std::string subject = "dataset '" + dataset + "' has shape " + in_words(shape);
  if (shape.empty()) fail(path, subject + "; a dataset with rows was expected");
  if (rows.begin < 0 || rows.end < rows.begin || rows.end > shape[0]) {
    fail(path, subject + "; it has no rows " + in_words(rows));
  }
  const std::optional<std::int64_t> row = value_count(shape, 1);
  if (!row) fail(path, subject + ", too large to address");
  const std::int64_t expected = rows.size() * *row;
  if (expected != static_cast<std::int64_t>(values)) {
    fail(path, subject + "; " + std::to_string(expected) + " values were expected for rows " +
                   in_words(rows) + ", not " + std::to_string(values));
  }
}

/// The spaces that pair `piece` with memory; no piece selects nothing. False if HDF5 refuses.
bool select(const Piece* piece, Handle& in_file, Handle& in_memory) {
  if (!piece) {
    in_memory = Handle(H5Screate(H5S_SCALAR), H5Sclose);
    return H5Sselect_none(in_memory.get()) >= 0 && H5Sselect_none(in_file.get()) >= 0;
  }
  if (piece->count.empty()) {
    in_memory = Handle(H5Screate(H5S_SCALAR), H5Sclose);
    return in_memory.valid() && H5Sselect_all(in_file.get()) >= 0;
  }
  in_memory =
      Handle(H5Screate_simple(static_cast<int>(piece->count.size()), piece->count.data(), nullptr),
             H5Sclose);
  return in_memory.valid() &&
         H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, piece->start.data(), nullptr,
                             piece->count.data(), nullptr) >= 0;
}

template <class Scalar>
void read_pieces(const fs::path& path, hid_t handle, const std::string& dataset,
                 const std::vector<Piece>& pieces, Scalar* values) {
  check_filters(path, handle, dataset);
  for (const Piece& piece : pieces) {
    Handle in_file(H5Dget_space(handle), H5Sclose), in_memory;
    if (!select(&piece, in_file, in_memory) ||
        H5Dread(handle, detail::memory_type<Scalar>(), in_memory.get(), in_file.get(), H5P_DEFAULT,
                values + piece.offset) < 0) {
      fail_with_reason(path, "cannot read dataset '" + dataset + "'");
    }
  }
}

std::size_t values_in(const Piece& piece) {
  return std::accumulate(piece.count.begin(), piece.count.end(), std::size_t{1},
                         std::multiplies<>());
}

/// Why HDF5 failed to write `bytes`. Through MPI it does not know, so the usual suspect is asked.
std::string writing_reason(const fs::path& path, std::size_t bytes) {
  std::error_code error;
  const auto space = fs::space(path, error);
  return !error && space.available < bytes ? std::strerror(ENOSPC) : detail::hdf5_reason();
}

/// Every rank makes the same number of writes, also after one of its own has failed.
template <class Scalar>
void write_pieces(const fs::path& path, hid_t handle, const std::string& dataset,
                  const std::vector<Piece>& pieces, const Scalar* values,
                  const std::optional<Communicator>& communicator) {
  const Handle transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  std::int64_t writes = static_cast<std::int64_t>(pieces.size());
  if (communicator) {
    // A collective call into HDF5, but every rank moves its own run of rows: Open MPI's collective
    // writes (4.1) can lose a failure on the way, as a full disk shows, single ones report it.
    H5Pset_dxpl_mpio(transfer.get(), H5FD_MPIO_COLLECTIVE);
    H5Pset_dxpl_mpio_collective_opt(transfer.get(), H5FD_MPIO_INDIVIDUAL_IO);
    writes = communicator->all_reduce(writes, Reduction::max);
  }
  bool failed = false;
  std::string reason;
  for (std::int64_t w = 0; w < writes; ++w) {
    const Piece* piece = w < static_cast<std::int64_t>(pieces.size())
                             ? &pieces[static_cast<std::size_t>(w)]
                             : nullptr;
    Handle in_file(H5Dget_space(handle), H5Sclose), in_memory;
    bool good = select(piece, in_file, in_memory);
    if (!good && piece) {
      if (!failed) reason = detail::hdf5_reason();
      failed = true;
      piece = nullptr;
      select(nullptr, in_file, in_memory);
    }
    if (H5Dwrite(handle, detail::memory_type<Scalar>(), in_memory.get(), in_file.get(),
                 transfer.get(), piece ? values + piece->offset : values) < 0) {
      if (!failed) reason = writing_reason(path, piece ? values_in(*piece) * sizeof(Scalar) : 0);
      failed = true;
    }
  }
  // Small writes wait in a buffer of the dataset's. Its last chance is the closing of the dataset,
  // where nobody looks: on a full disk the values would be zeros in a file that seems whole.
  // Through MPI there is no buffer.
  if (!communicator && !failed && H5Dflush(handle) < 0) {
    reason = writing_reason(path, 0);
    failed = true;
  }
  detail::agree(communicator, [&] {
    if (!failed) return;
    fail(path,
         "cannot write dataset '" + dataset + "'" + (reason.empty() ? "" : " (" + reason + ")"));
  });
}

}  // namespace

DatasetInfo Hdf5File::info(const std::string& dataset) const {
  detail::require_open(path_, file_);
  return describe(path_, open_dataset(path_, file_, dataset).get(), dataset);
}

template <class Scalar>
std::vector<Scalar> Hdf5File::read(const std::string& dataset) const {
  detail::require_open(path_, file_);
  const Handle handle = open_dataset(path_, file_, dataset);
  const Shape shape = describe_numbers(path_, handle.get(), dataset).shape;
  const std::optional<std::int64_t> count = value_count(shape);
  std::vector<Scalar> values;
  try {
    if (!count) throw std::bad_alloc();
    values.resize(static_cast<std::size_t>(*count));
  } catch (const std::exception&) {  // bad_alloc or length_error
    fail(path_, "dataset '" + dataset + "' of shape " + in_words(shape) + " exceeds the memory");
  }
  const Shard rows{0, shape.empty() ? 0 : shape[0]};
  read_pieces(path_, handle.get(), dataset,
              detail::split_rows(shape, rows, sizeof(Scalar), piece_bytes_), values.data());
  return values;
}

std::vector<std::string> Hdf5File::read_strings(const std::string& dataset) const {
  detail::require_open(path_, file_);
  const Handle handle = open_dataset(path_, file_, dataset);
  const DatasetInfo info = describe(path_, handle.get(), dataset);
  if (!info.is_string || info.shape.size() != 1)
    fail(path_, "dataset '" + dataset + "' is no list of strings; one was expected");
  check_filters(path_, handle.get(), dataset);
  const Handle type(H5Dget_type(handle.get()), H5Tclose);
  const Handle space(H5Dget_space(handle.get()), H5Sclose);
  const auto count = static_cast<std::size_t>(info.shape[0]);
  const auto read = [&](void* into) {
    if (H5Dread(handle.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, into) < 0)
      fail_with_reason(path_, "cannot read dataset '" + dataset + "'");
  };
  std::vector<std::string> strings(count);
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> characters(count);
    read(characters.data());
    for (std::size_t k = 0; k < count; ++k)
      if (characters[k] != nullptr) strings[k] = characters[k];
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, characters.data());
  } else {
    std::string characters(count * info.bytes_per_value, '\0');
    read(characters.data());
    for (std::size_t k = 0; k < count; ++k)
      strings[k] = detail::unpadded(
          characters.substr(k * info.bytes_per_value, info.bytes_per_value), type.get());
  }
  return strings;
}

template <class Scalar>
void Hdf5File::read_rows(const std::string& dataset, Shard rows, std::span<Scalar> values) const {
  detail::require_open(path_, file_);
  const Handle handle = open_dataset(path_, file_, dataset);
  const Shape shape = describe_numbers(path_, handle.get(), dataset).shape;
  check_rows(path_, dataset, shape, rows, values.size());
  read_pieces(path_, handle.get(), dataset,
              detail::split_rows(shape, rows, sizeof(Scalar), piece_bytes_), values.data());
}

template <class Scalar>
void Hdf5File::create_dataset(const std::string& dataset, const Shape& shape) {
  detail::require_open(path_, file_);
  Handle space, links, creation, handle;
  const auto check = [&] {
    if (dataset.size() < 2 || dataset.front() != '/') {
      fail(path_, "'" + dataset + "' is no absolute path; one like '/group/name' was expected");
    }
    if (has(dataset)) fail(path_, "'" + dataset + "' exists already");
    if (!value_count(shape)) {
      fail(path_, "dataset '" + dataset + "' cannot have shape " + in_words(shape));
    }
    const std::vector<hsize_t> extent(shape.begin(), shape.end());
    space = extent.empty()
                ? Handle(H5Screate(H5S_SCALAR), H5Sclose)
                : Handle(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
                         H5Sclose);
    if (!space.valid()) {
      fail_with_reason(path_, "dataset '" + dataset + "' cannot have shape " + in_words(shape));
    }
  };
  detail::agree(communicator_, check);
  links = Handle(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  // Space is taken at once and never written by HDF5 itself: the file has just been truncated and
  // nothing is ever deleted from it, so what nobody writes is a hole that reads as zero.
  creation = Handle(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(creation.get(), H5D_FILL_TIME_IFSET);
  handle = Handle(H5Dcreate2(file_, dataset.c_str(), detail::file_type<Scalar>(), space.get(),
                             links.get(), creation.get(), H5P_DEFAULT),
                  H5Dclose);
  detail::agree(communicator_, [&] {
    if (!handle.valid()) fail_with_reason(path_, "cannot create dataset '" + dataset + "'");
  });
}

template <class Scalar>
void Hdf5File::write_rows(const std::string& dataset, Shard rows, std::span<const Scalar> values) {
  detail::require_open(path_, file_);
  Handle handle;
  std::vector<Piece> pieces;
  detail::agree(communicator_, [&] {
    handle = open_dataset(path_, file_, dataset);
    const DatasetInfo found = describe_numbers(path_, handle.get(), dataset);
    check_rows(path_, dataset, found.shape, rows, values.size());
    const std::size_t bytes = std::max(sizeof(Scalar), found.bytes_per_value);
    pieces = detail::split_rows(found.shape, rows, bytes, piece_bytes_);
  });
  write_pieces(path_, handle.get(), dataset, pieces, values.data(), communicator_);
}

template <class Scalar>
void Hdf5File::write(const std::string& dataset, const Shape& shape,
                     std::span<const Scalar> values) {
  detail::agree(communicator_, [&] {
    const std::optional<std::int64_t> count = value_count(shape);
    if (count && *count != static_cast<std::int64_t>(values.size())) {
      fail(path_, "dataset '" + dataset + "' of shape " + in_words(shape) + " takes " +
                      std::to_string(*count) + " values, not " + std::to_string(values.size()));
    }
  });
  create_dataset<Scalar>(dataset, shape);
  Handle handle;
  std::vector<Piece> pieces;
  detail::agree(communicator_, [&] {
    handle = open_dataset(path_, file_, dataset);
    if (communicator_ && !communicator_->is_root()) return;
    const Shard rows{0, shape.empty() ? 0 : shape[0]};
    pieces = detail::split_rows(shape, rows, sizeof(Scalar), piece_bytes_);
  });
  write_pieces(path_, handle.get(), dataset, pieces, values.data(), communicator_);
}

void Hdf5File::write_strings(const std::string& dataset, const std::vector<std::string>& strings) {
  detail::require_open(path_, file_);
  if (communicator_) throw std::logic_error("write_strings() in a collective file");
  std::size_t longest = 1;  // HDF5 has no size 0
  for (const auto& text : strings) longest = std::max(longest, text.size());
  std::string characters;
  for (const auto& text : strings) {
    characters += text;
    characters.resize(characters.size() + longest - text.size(), '\0');
  }
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), longest);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const hsize_t count = strings.size();
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Handle handle(H5Dcreate2(file_, dataset.c_str(), type.get(), space.get(), links.get(),
                                 H5P_DEFAULT, H5P_DEFAULT),
                      H5Dclose);
  if (!handle.valid() ||
      H5Dwrite(handle.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, characters.data()) < 0 ||
      H5Dflush(handle.get()) < 0)
    fail_with_reason(path_, "cannot write dataset '" + dataset + "'");
}

#define OTFLEET_INSTANTIATE(Scalar)                                                               \
  template std::vector<Scalar> Hdf5File::read<Scalar>(const std::string&) const;                  \
  template void Hdf5File::read_rows<Scalar>(const std::string&, Shard, std::span<Scalar>) const;  \
  template void Hdf5File::create_dataset<Scalar>(const std::string&, const Shape&);               \
  template void Hdf5File::write_rows<Scalar>(const std::string&, Shard, std::span<const Scalar>); \
  template void Hdf5File::write<Scalar>(const std::string&, const Shape&, std::span<const Scalar>);

OTFLEET_INSTANTIATE(float)
OTFLEET_INSTANTIATE(double)
OTFLEET_INSTANTIATE(std::int32_t)
OTFLEET_INSTANTIATE(std::int64_t)
OTFLEET_INSTANTIATE(std::uint8_t)

#undef OTFLEET_INSTANTIATE

}  // namespace otfleet::distributed
