// A queue that asks for memory only when it holds more than ever before: for
// what must not fail once the first rounds are over.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

template <class T>
class RingBuffer {
 public:
  RingBuffer() = default;
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;
  ~RingBuffer() {
    while (!empty()) {
      pop_front();
    }
    std::allocator<T>().deallocate(slots_, capacity_);
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  T& front() { return (*this)[0]; }

  /// The one that many places behind the front.
  T& operator[](std::size_t place) {
    return slots_[(front_ + place) & (capacity_ - 1)];
  }

  void push_back(T&& value) {
    if (size_ == capacity_) {
      grow();
    }
    std::construct_at(&(*this)[size_], std::move(value));
    ++size_;
  }

  /// What it owns is to be moved out first, if that may push back more.
  void pop_front() {
    std::destroy_at(&front());
    front_ = (front_ + 1) & (capacity_ - 1);
    --size_;
  }

 private:
  // Inlined at -O3, g++ 12 warns of subscripts that cannot be.
  [[gnu::noinline]] void grow() {
    T* const larger = std::allocator<T>().allocate(2 * capacity_);
    for (std::size_t place = 0; place < size_; ++place) {
      std::construct_at(larger + place, std::move((*this)[place]));
      std::destroy_at(&(*this)[place]);
    }
    std::allocator<T>().deallocate(slots_, capacity_);
    slots_ = larger;
    capacity_ *= 2;
    front_ = 0;
  }

  /// Always a power of two.
  std::size_t capacity_ = 64;
  T* slots_ = std::allocator<T>().allocate(capacity_);
  std::size_t front_ = 0;
  std::size_t size_ = 0;
};
