#pragma once
#include <cstddef>
#include <cstdint>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace otfleet::kernels {

/// Asks for large pages of memory that nobody has touched yet: it is then there sooner, and reading
/// it in order is faster. A hint: where it cannot be had, nothing changes.
inline void use_huge_pages(void* first, std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::uintptr_t page = std::uintptr_t{2} << 20;
  const auto begin = (reinterpret_cast<std::uintptr_t>(first) + page - 1) / page * page,
             end = (reinterpret_cast<std::uintptr_t>(first) + bytes) / page * page;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)first;
  (void)bytes;
#endif
}

}  // namespace otfleet::kernels
