#pragma once
#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/shard.hpp"

namespace otfleet::distributed {

/// What a dataset holds, for checks before reading it.
struct DatasetInfo {
  std::vector<std::int64_t> shape;
  bool is_float = false;    ///< IEEE floating point of any width
  bool is_integer = false;  ///< integer of any width, or truth values as h5py stores them
  bool is_string = false;   ///< text, of one length or of any
  std::size_t bytes_per_value = 0;
};

/// An HDF5 file open on one rank, or on all ranks of a communicator at once (one file, every rank
/// its own rows). Scalar is float, double, std::int32_t, std::int64_t or std::uint8_t; HDF5
/// converts between the stored type and the one asked for. Paths are absolute ("/solution/f").
/// Errors are UserErrors of one line with the file's name; HDF5's own error stack is never printed.
/// In a collective file they are agreed: if one rank fails, all throw. One thread per process may
/// use these files at a time; a collective file must go before MPI_Finalize.
class Hdf5File {
 public:
  /// Does the file exist and begin as HDF5 does? Local.
  static bool is_hdf5(const std::filesystem::path& path);
  /// Opens to read. Local: every rank may open the same file on its own.
  static Hdf5File open(const std::filesystem::path& path);
  /// Creates or truncates. Local.
  static Hdf5File create(const std::filesystem::path& path);
  /// Creates or truncates. Collective over `communicator`: all ranks must then make the same
  /// create_dataset, write_rows, write, create_group, set_attribute and close calls in the same
  /// order, and destroy the file together.
  static Hdf5File create(const std::filesystem::path& path, const Communicator& communicator);

  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;
  ~Hdf5File();

  /// Flushes and closes; throws if that fails (a full disk shows itself here at the latest). The
  /// destructor closes too, but keeps failures to itself. Collective if the file was created so.
  void close();

  const std::filesystem::path& path() const { return path_; }

  // Reading, local -----------------------------------------------------------------------------
  bool has(const std::string& object) const;                          ///< a dataset or a group
  std::vector<std::string> children(const std::string& group) const;  ///< names, sorted
  bool is_group(const std::string& object) const;
  DatasetInfo info(const std::string& dataset) const;

  /// The whole dataset, row-major; one value for a dataset without dimensions.
  template <class Scalar>
  std::vector<Scalar> read(const std::string& dataset) const;

  /// The whole of a dataset of strings in one dimension, as UTF-8 or whatever the file holds.
  std::vector<std::string> read_strings(const std::string& dataset) const;

  /// Rows [rows.begin, rows.end) along the first dimension, row-major, into `values`, whose size
  /// must be rows.size() times the product of the other dimensions.
  template <class Scalar>
  void read_rows(const std::string& dataset, Shard rows, std::span<Scalar> values) const;

  /// `object` is a dataset or group ("/" is the file). nullopt when there is no such attribute;
  /// an attribute of another kind than asked for is an error.
  std::optional<std::string> string_attribute(const std::string& object,
                                              const std::string& name) const;
  std::optional<double> number_attribute(const std::string& object, const std::string& name) const;
  /// Integers in one dimension; empty when there is no such attribute.
  std::vector<std::int64_t> integers_attribute(const std::string& object,
                                               const std::string& name) const;
  /// A number with all its digits, or the string; any other kind is only named as such.
  std::string attribute_text(const std::string& object, const std::string& name) const;
  std::vector<std::string> attributes(const std::string& object) const;  ///< names, sorted

  // Writing, collective if the file was created so ------------------------------------------------
  /// Groups on the way are made. Values start as zero.
  template <class Scalar>
  void create_dataset(const std::string& dataset, const std::vector<std::int64_t>& shape);

  /// Every rank writes its own rows along the first dimension; an empty shard joins in. Shards of
  /// different ranks must not overlap.
  template <class Scalar>
  void write_rows(const std::string& dataset, Shard rows, std::span<const Scalar> values);

  /// create_dataset and the whole of it in one call; in a collective file all ranks pass the same
  /// values and rank 0 writes them.
  template <class Scalar>
  void write(const std::string& dataset, const std::vector<std::int64_t>& shape,
             std::span<const Scalar> values);

  /// A dataset of strings in one dimension, all stored as long as the longest. A string ends before
  /// zero bytes at its end. Not in a collective file.
  void write_strings(const std::string& dataset, const std::vector<std::string>& strings);

  /// Groups on the way are made; a group that exists already is left as it is.
  void create_group(const std::string& group);
  /// An attribute of that name is replaced.
  void set_attribute(const std::string& object, const std::string& name, const std::string& value);
  void set_attribute(const std::string& object, const std::string& name, double value);
  void set_attribute(const std::string& object, const std::string& name, std::int64_t value);

  /// Largest piece in bytes that one rank reads or writes in one call into HDF5, 512 MiB unless
  /// set: MPI-IO counts bytes in an int. Local; ranks may differ.
  void limit_pieces(std::size_t bytes) { piece_bytes_ = bytes; }

 private:
  Hdf5File(std::filesystem::path path, hid_t file, std::optional<Communicator> communicator);

  std::filesystem::path path_;
  hid_t file_ = -1;
  std::optional<Communicator> communicator_;
  std::size_t piece_bytes_ = std::size_t{512} << 20;
};

}  // namespace otfleet::distributed
