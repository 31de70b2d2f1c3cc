// What can be copied, containers included.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

/// Whether a T can be copied. The standard's own answer for a container does
/// not ask what is in it.
template <class T>
inline constexpr bool is_copyable = std::is_copy_constructible_v<T>;
template <class T>
  requires requires { typename T::value_type; }
inline constexpr bool is_copyable<T> =
    std::is_copy_constructible_v<T> && is_copyable<typename T::value_type>;
template <class... Ts>
inline constexpr bool is_copyable<std::tuple<Ts...>> = (is_copyable<Ts> && ...);
template <class First, class Second>
inline constexpr bool is_copyable<std::pair<First, Second>> =
    is_copyable<First> && is_copyable<Second>;
