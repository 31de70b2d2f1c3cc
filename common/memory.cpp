#include "common/memory.hpp"

#include <cstddef>
#include <functional>

#ifdef __APPLE__
#include <malloc/malloc.h>
#elif __has_include(<malloc_np.h>)
#include <malloc_np.h>
#elif __has_include(<malloc.h>)
#include <malloc.h>
#endif

static std::size_t size_of(const void* block) {
#if defined(__APPLE__)
  return malloc_size(block);
#elif __has_include(<malloc_np.h>) || __has_include(<malloc.h>)
  return malloc_usable_size(const_cast<void*>(block));
#else
  // Not to be asked there: nothing is known to lie in it.
  return 0;
#endif
}

bool is_part_of(const void* part, const void* block) {
  const auto* const first = static_cast<const char*>(block);
  const std::less<const void*> before;
  return !before(part, first) && before(part, first + size_of(block));
}
