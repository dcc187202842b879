#include "tests/kernels/counted_new.hpp"

#include <cstdlib>
#include <new>

using otfleet::kernels::test::CountedNew;

void* operator new(std::size_t size) {
  if (CountedNew::counting && size > CountedNew::longest_name) ++CountedNew::count;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
