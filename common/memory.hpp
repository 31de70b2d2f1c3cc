// Where things lie on the heap.
#pragma once

/// Whether `part` points into what operator new returned as `block`.
bool is_part_of(const void* part, const void* block);
