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
  constexpr std::size_t page = std::size_t{2} << 20;
  const std::size_t before = (page - reinterpret_cast<std::uintptr_t>(first) % page) % page;
  if (bytes < before + page) return;
  madvise(static_cast<char*>(first) + before, (bytes - before) / page * page, MADV_HUGEPAGE);
#else
  (void)first;
  (void)bytes;
#endif
}

}  // namespace otfleet::kernels
