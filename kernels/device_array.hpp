#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Arrays in the memory of the device, for code that knows no Kokkos. device_views.hpp makes Views
// of them inside kernels/.

namespace otfleet {

namespace device_memory {

/// `bytes` bytes of the device's memory, aligned for every type, zero if `zeroed`. The label names
/// them for Kokkos' tools.
std::shared_ptr<void> allocate(const std::string& label, std::size_t bytes, bool zeroed);
/// `bytes` bytes of host memory that a GPU copies from without a detour: slow to get, for what
/// is kept.
std::shared_ptr<void> allocate_staging(const std::string& label, std::size_t bytes);
/// Can the host read and write the device's memory?
bool is_host_memory();

// All return when the bytes are there. Nothing happens where `to` and `from` are the same.
void copy_from_host(void* to, const void* from, std::size_t bytes);
void copy_to_host(void* to, const void* from, std::size_t bytes);
void copy_on_device(void* to, const void* from, std::size_t bytes);

/// For float, double, int and std::int64_t.
template <class T>
void fill(T* to, std::size_t count, T value);
/// to[i] = from[i] between float and double.
template <class To, class From>
void convert(To* to, const From* from, std::size_t count);

}  // namespace device_memory

/// Elements of a DeviceArray where the host may use them: the array's own memory where the host can
/// reach it, else a copy. Shares what it points to.
template <class T>
class HostValues {
 public:
  HostValues() = default;
  HostValues(std::shared_ptr<void> owner, T* data, std::size_t size)
      : owner_(std::move(owner)), data_(data), size_(size) {}

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t index) const { return data_[index]; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }

 private:
  std::shared_ptr<void> owner_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The constructor leaves the elements as the memory has them.
struct Uninitialized {};
inline constexpr Uninitialized uninitialized{};

/// A row-major array of `rank` extents in the memory of the device (of the host where there is no
/// GPU). A handle: copies share the elements, also those that are const; the elements are freed
/// with the last handle. T is float, double, int or std::int64_t, const or not.
template <class T, int rank = 1>
class DeviceArray {
 public:
  using Value = std::remove_const_t<T>;
  using Extents = std::array<std::size_t, rank>;

  /// Nothing: every extent 0.
  DeviceArray() = default;

  /// Allocates, zeros. Labels are "otfleet::area::name".
  template <std::convertible_to<std::size_t>... Sizes>
  requires(sizeof...(Sizes) == rank) explicit DeviceArray(const std::string& label,
                                                          Sizes... extents)
      : DeviceArray(label, Extents{static_cast<std::size_t>(extents)...}, true) {}
  template <std::convertible_to<std::size_t>... Sizes>
  requires(sizeof...(Sizes) == rank)
      DeviceArray(Uninitialized, const std::string& label, Sizes... extents)
      : DeviceArray(label, Extents{static_cast<std::size_t>(extents)...}, false) {}

  /// Memory of the device that somebody else owns, a tensor's for example. `owner` keeps it, or the
  /// caller does.
  DeviceArray(T* data, const Extents& extents, std::shared_ptr<const void> owner = nullptr)
      : owner_(std::move(owner)), data_(data), extents_(extents) {}

  /// Elements that may be written are elements that may be read.
  template <class Other>
  requires(std::is_const_v<T>&& std::is_same_v<Other, Value>)
      DeviceArray(const DeviceArray<Other, rank>& other)
      : owner_(other.owner()), data_(other.data()), extents_(other.extents()) {}

  T* data() const { return data_; }
  std::size_t extent(int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  const Extents& extents() const { return extents_; }
  std::size_t size() const {
    std::size_t result = 1;
    for (const std::size_t extent : extents_) result *= extent;
    return result;
  }
  bool empty() const { return size() == 0; }
  const std::shared_ptr<const void>& owner() const { return owner_; }

  // Parts and other shapes share the elements.

  /// From `begin` to before `end` of the first axis.
  DeviceArray rows(std::size_t begin, std::size_t end) const {
    if (begin > end || end > extents_[0])
      throw std::invalid_argument("rows " + std::to_string(begin) + " to " + std::to_string(end) +
                                  " of an array of " + std::to_string(extents_[0]));
    DeviceArray result = *this;
    result.extents_[0] = end - begin;
    if (begin > 0) result.data_ += begin * (size() / extents_[0]);
    return result;
  }
  /// One of the first axis.
  DeviceArray<T, 1> row(std::size_t index) const requires(rank == 2) {
    const DeviceArray part = rows(index, index + 1);
    return {part.data(), {extents_[1]}, owner_};
  }
  /// The same elements, in order, with other extents. Throws std::invalid_argument unless they have
  /// as many.
  template <std::convertible_to<std::size_t>... Sizes>
  DeviceArray<T, static_cast<int>(sizeof...(Sizes))> reshaped(Sizes... extents) const {
    const DeviceArray<T, static_cast<int>(sizeof...(Sizes))> result(
        data_, {static_cast<std::size_t>(extents)...}, owner_);
    if (result.size() != size())
      throw std::invalid_argument("an array of " + std::to_string(size()) +
                                  " elements cannot have " + std::to_string(result.size()));
    return result;
  }
  DeviceArray<T, 1> flat() const { return reshaped(size()); }

  // Copies. All return when the elements are there, and throw std::invalid_argument unless both
  // have as many.

  /// From the host. Costs nothing for what mirror() gave.
  void upload(std::span<const Value> from) const requires(!std::is_const_v<T>) {
    check_size(from.size());
    device_memory::copy_from_host(data_, from.data(), size() * sizeof(T));
  }
  void upload(const HostValues<Value>& from) const requires(!std::is_const_v<T>) {
    upload(std::span<const Value>(from.data(), from.size()));
  }
  /// To the host.
  void download(std::span<Value> to) const {
    check_size(to.size());
    device_memory::copy_to_host(to.data(), data_, size() * sizeof(T));
  }
  std::vector<Value> download() const {
    std::vector<Value> result(size());
    download(std::span<Value>(result));
    return result;
  }
  /// For the host to read: no copy where the host reaches the elements.
  HostValues<const Value> host() const {
    if (device_memory::is_host_memory()) return {shared(), data_, size()};
    const std::shared_ptr<Value[]> copy(new Value[size()]);
    download(std::span<Value>(copy.get(), size()));
    return {copy, copy.get(), size()};
  }
  /// For the host to write, and upload() then; what it holds first has no meaning.
  HostValues<Value> mirror() const requires(!std::is_const_v<T>) {
    if (device_memory::is_host_memory()) return {shared(), data_, size()};
    const std::shared_ptr<Value[]> copy(new Value[size()]);
    return {copy, copy.get(), size()};
  }
  /// As mirror(), for elements that the host writes again and again: from there they reach a GPU
  /// faster.
  HostValues<Value> staging() const requires(!std::is_const_v<T>) {
    if (device_memory::is_host_memory()) return {shared(), data_, size()};
    const auto memory =
        device_memory::allocate_staging("otfleet::host::staging", size() * sizeof(T));
    return {memory, static_cast<Value*>(memory.get()), size()};
  }
  /// From another array, float from double and back included.
  template <class Other>
  void copy_from(const DeviceArray<Other, rank>& from) const requires(!std::is_const_v<T>) {
    if (from.extents() != extents_)
      throw std::invalid_argument("arrays of different extents cannot be copied");
    if constexpr (std::is_same_v<std::remove_const_t<Other>, Value>)
      device_memory::copy_on_device(data_, from.data(), size() * sizeof(T));
    else
      device_memory::convert<Value, std::remove_const_t<Other>>(data_, from.data(), size());
  }
  void fill(Value value) const requires(!std::is_const_v<T>) {
    device_memory::fill<Value>(data_, size(), value);
  }

 private:
  DeviceArray(const std::string& label, const Extents& extents, bool zeroed) : extents_(extents) {
    const std::shared_ptr<void> memory = device_memory::allocate(label, size() * sizeof(T), zeroed);
    data_ = static_cast<T*>(memory.get());
    owner_ = memory;
  }
  void check_size(std::size_t count) const {
    if (count != size())
      throw std::invalid_argument(std::to_string(count) + " elements do not fill an array of " +
                                  std::to_string(size()));
  }
  std::shared_ptr<void> shared() const { return std::const_pointer_cast<void>(owner_); }

  std::shared_ptr<const void> owner_;
  T* data_ = nullptr;
  Extents extents_{};
};

/// The host's values in a new array.
template <class T>
DeviceArray<T> upload(const std::string& label, std::span<const T> values) {
  const DeviceArray<T> result(uninitialized, label, values.size());
  result.upload(values);
  return result;
}
template <class T>
DeviceArray<T, 2> upload(const std::string& label, std::span<const T> values, std::size_t rows,
                         std::size_t columns) {
  const DeviceArray<T, 2> result(uninitialized, label, rows, columns);
  result.upload(values);
  return result;
}

/// The host's values where they lie, if the host's memory is the device's: they have to stay then.
/// Else in a new array.
template <class T>
DeviceArray<const T> on_device(const std::string& label, std::span<const T> values) {
  if (device_memory::is_host_memory()) return {values.data(), {values.size()}};
  return upload<T>(label, values);
}

}  // namespace otfleet
