# Makes the build of the whole tree quick, with ASYNCIO_QUICK: by headers that
# are precompiled, and by many sources that are compiled as one. Neither notices
# an #include that is missing, so scripts/test --all builds without.
include_guard(GLOBAL)

option(ASYNCIO_QUICK
  "Precompile the standard's headers, and compile many sources as one" OFF)
set(ASYNCIO_DEMO_LEVEL "" CACHE STRING
  "How a Release optimises programs: -O1 takes half the time of its -O3")

# Precompiled headers for a target that is not optimised beyond `level`, such
# as -O0; they are compiled once for each level. `library` is common, or
# test_main, and then there is doctest too.
function(asyncio_precompile target level library)
  set(headers precompiled${level})
  set(doctest "")
  if(library STREQUAL "test_main")
    string(APPEND headers -doctest)
    set(doctest <doctest/doctest.h>)
  endif()
  if(NOT TARGET ${headers})
    set(file "${CMAKE_BINARY_DIR}/${headers}.cpp")
    asyncio_write("${file}" "// Nothing but headers.\n")
    add_library(${headers} OBJECT EXCLUDE_FROM_ALL "${file}")
    asyncio_flags(${headers})
    target_compile_options(${headers} PRIVATE $<$<CONFIG:Release>:${level}>)
    target_link_libraries(${headers} PRIVATE ${library})
    target_precompile_headers(${headers} PRIVATE
      <algorithm>
      <any>
      <chrono>
      <coroutine>
      <deque>
      ${doctest}
      <functional>
      <map>
      <memory>
      <optional>
      <sstream>
      <string>
      <system_error>
      <unordered_map>
      <unordered_set>
      <variant>
      <vector>
    )
  endif()
  target_precompile_headers(${target} REUSE_FROM ${headers})
endfunction()

# Compiles so many of a target's sources as one; 0: all of them.
function(asyncio_unite target count)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ON
    UNITY_BUILD_BATCH_SIZE ${count}
  )
  # g++ takes what was included for a header.
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>
  )
endfunction()

# Replaces the file only when that changes it, so that nothing is rebuilt.
function(asyncio_write file content)
  set(old "")
  if(EXISTS "${file}")
    file(READ "${file}" old)
  endif()
  if(NOT old STREQUAL content)
    file(WRITE "${file}" "${content}")
  endif()
endfunction()

# Writes a source that includes the given ones, each in a namespace of its own:
# two may use the same name (which is why CMake's UNITY_BUILD does not do). What
# they include comes first, outside; main() is in no namespace. Sets result to
# its path.
function(asyncio_merged_source name result)
  set(content "")
  set(includes "")
  foreach(source IN LISTS ARGN)
    get_filename_component(folder "${source}" DIRECTORY)
    get_filename_component(part "${source}" NAME_WE)
    file(STRINGS "${source}" lines REGEX "^#include ")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#include +([^ ]*).*$" "\\1" header "${line}")
      string(REGEX REPLACE "^\"(.*)\"$" "\\1" local "${header}")
      if(EXISTS "${folder}/${local}")
        set(header "\"${folder}/${local}\"")
      endif()
      list(APPEND includes "${header}")
    endforeach()
    if(part STREQUAL "main")
      string(APPEND content "#include \"${source}\"\n")
    else()
      string(APPEND content
        "namespace ${part}_ {\n#include \"${source}\"\n}\n"
      )
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  endforeach()
  list(REMOVE_DUPLICATES includes)
  set(first "")
  foreach(header IN LISTS includes)
    # Not every system has epoll or kqueue.
    string(APPEND first
      "#if __has_include(${header})\n#include ${header}\n#endif\n"
    )
  endforeach()
  set(file "${CMAKE_BINARY_DIR}/merged/${name}.cpp")
  asyncio_write("${file}" "${first}${content}")
  set(${result} "${file}" PARENT_SCOPE)
endfunction()

# A target made of the merged sources; compiled as one, where that is wanted.
function(asyncio_merge target)
  if(ASYNCIO_QUICK)
    asyncio_merged_source(${target} merged ${ARGN})
    set_target_properties(${target} PROPERTIES SOURCES "${merged}")
    # g++ takes what was included for a header.
    target_compile_options(${target} PRIVATE
      $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>
    )
  endif()
endfunction()

# A stage's targets, as common/stage.cmake has made them.
function(asyncio_quicken number name)
  asyncio_quicken_program(${name})
  if(NOT ASYNCIO_QUICK)
    return()
  endif()
  if(TARGET ${number}_ideas)
    asyncio_unite(${number}_ideas 0)
    asyncio_precompile(${number}_ideas ${ASYNCIO_TEST_LEVEL} test_main)
  endif()
  asyncio_quicken_pitfalls(${number} ${name})
endfunction()

# Compiles a stage's pitfalls as one source, and those that have the same flags
# of their own as another one: each program then is a main() that calls its own.
function(asyncio_quicken_pitfalls number name)
  get_property(targets
    DIRECTORY "${ASYNCIO_ROOT_DIR}/stages/${name}"
    PROPERTY BUILDSYSTEM_TARGETS
  )
  list(FILTER targets INCLUDE REGEX "_pitfall_")
  set(groups "")
  foreach(target IN LISTS targets)
    get_target_property(source ${target} SOURCES)
    file(STRINGS "${source}" flags REGEX "^// Flags: ")
    string(MAKE_C_IDENTIFIER "_${flags}" group)
    list(APPEND groups "${group}")
    list(APPEND targets_${group} ${target})
    set(flags_${group} "${flags}")
  endforeach()
  list(REMOVE_DUPLICATES groups)
  foreach(group IN LISTS groups)
    list(LENGTH targets_${group} count)
    # One with flags of its own stays as it is.
    if(NOT flags_${group} OR count GREATER 1)
      asyncio_merge_pitfalls(${number}_pitfalls${group} ${name}
        "${flags_${group}}" ${targets_${group}}
      )
    endif()
  endforeach()
endfunction()

# The library is an object with the mergers of these targets.
function(asyncio_merge_pitfalls library name flags)
  set(merged "")
  foreach(target IN LISTS ARGN)
    get_target_property(source ${target} SOURCES)
    file(READ "${source}" content)
    string(REGEX MATCH "\nint main\\(\\) {\n.*" main "${content}")
    if(main STREQUAL "")
      continue()
    endif()
    # Only a main() may end without a value.
    set(type void)
    set(return "")
    if(main MATCHES "\n  return [^\n]+;\n}\n$")
      set(type int)
      set(return "return ")
    elseif(main MATCHES "\n +return [^;]")
      continue()
    endif()
    get_filename_component(part "${source}" NAME_WE)
    # Where another source can call it.
    string(REPLACE "\nint main() {\n" "\n${type} run() {\n" content "${content}")
    set(copy "${CMAKE_BINARY_DIR}/merged/${name}/${part}.cpp")
    asyncio_write("${copy}" "#line 1 \"${source}\"\n${content}")
    list(APPEND merged "${copy}")
    set(caller "${CMAKE_BINARY_DIR}/merged/${name}/${part}_main.cpp")
    asyncio_write("${caller}" "namespace ${part}_ {
${type} run();
}
int main() {
  ${return}${part}_::run();
}
")
    set_target_properties(${target} PROPERTIES SOURCES "${caller}")
    target_link_libraries(${target} PRIVATE ${library})
  endforeach()
  if(NOT merged)
    return()
  endif()
  asyncio_merged_source(${library} source ${merged})
  add_library(${library} OBJECT EXCLUDE_FROM_ALL "${source}")
  asyncio_flags(${library})
  string(REGEX REPLACE "^// Flags: *" "" flags "${flags}")
  separate_arguments(flags UNIX_COMMAND "${flags}")
  target_compile_options(${library} PRIVATE
    $<$<CONFIG:Release>:-O1>
    # g++ takes what was included for a header.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>
    ${flags}
  )
  target_include_directories(${library} PRIVATE
    "${ASYNCIO_ROOT_DIR}/stages/${name}"
  )
  if(flags)
    # What is precompiled has none.
    target_link_libraries(${library} PRIVATE common)
  else()
    asyncio_precompile(${library} -O1 common)
  endif()
endfunction()

function(asyncio_quicken_program name)
  target_compile_options(${name} PRIVATE
    $<$<CONFIG:Release>:${ASYNCIO_DEMO_LEVEL}>
  )
  get_target_property(sources ${name} SOURCES)
  set(alone "")
  foreach(source IN LISTS sources)
    # With a function that is not static: another demo may call it.
    file(STRINGS "${source}" shared REGEX "^[A-Za-z][A-Za-z_:<>]* [a-z0-9_]+\\(")
    if(shared AND NOT source MATCHES "/main.cpp$")
      list(APPEND alone "${source}")
    endif()
  endforeach()
  list(REMOVE_ITEM sources ${alone})
  asyncio_merge(${name} ${sources})
  if(ASYNCIO_QUICK)
    target_sources(${name} PRIVATE ${alone})
  endif()
endfunction()
