# What every CMakeLists.txt here includes: how all code is compiled, and
# add_stage(), which builds one stages/NN_name/ from what the folder holds.
include_guard(GLOBAL)

option(ASYNCIO_WERROR "Warnings are errors" OFF)
set(ASYNCIO_SANITIZE "" CACHE STRING "For example address,undefined")
option(ASYNCIO_VALGRIND "Run the idea tests under valgrind" OFF)
option(ASYNCIO_ONE_IDEAS_BINARY
  "Compile a stage's idea tests into one binary: quicker to build" OFF)
option(ASYNCIO_ONE_PROGRAM_SOURCE
  "Compile a stage's program as one source: quicker to build, not to change" OFF)
option(ASYNCIO_HUGE "Run the tests that take long, too" ON)
set(ASYNCIO_EARLIER_IDEAS all CACHE STRING
  "Earlier stages' tests: against all later stages, next and last, last, none")
set(ASYNCIO_PROGRAMS all CACHE STRING
  "Build the programs of all stages, or of some: 01;02;last")
option(ASYNCIO_PRECOMPILE
  "Precompile the standard's headers for tests: a missing one is not noticed" OFF)
set(ASYNCIO_TEST_PREFIX "" CACHE STRING "Put before every test's name")

get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT multi_config)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(ASYNCIO_COMMON_DIR "${CMAKE_CURRENT_LIST_DIR}")
get_filename_component(
  ASYNCIO_ROOT_DIR "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY
)

# For targets outside stages/ too.
function(asyncio_flags target)
  target_compile_options(${target} PRIVATE
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow
    $<$<BOOL:${ASYNCIO_WERROR}>:-Werror>
  )
  target_include_directories(${target} PRIVATE "${ASYNCIO_ROOT_DIR}")
  if(ASYNCIO_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${ASYNCIO_SANITIZE}
      -fno-omit-frame-pointer
      -fno-sanitize-recover=all
      # It needs a descriptor to work, and some tests use up all of them.
      -fno-sanitize=vptr
      # clang 14 finds fault with every coroutine that is a template.
      $<$<CXX_COMPILER_ID:Clang,AppleClang>:-fno-sanitize=function>
    )
    target_link_options(${target} PRIVATE -fsanitize=${ASYNCIO_SANITIZE})
  endif()
  if(ASYNCIO_VALGRIND)
    # Debian 12's valgrind cannot read clang's DWARF 5.
    target_compile_options(${target} PRIVATE -gdwarf-4)
  endif()
endfunction()

# Adds a test that runs an executable target; further arguments are its own.
function(asyncio_add_test name target)
  set(command $<TARGET_FILE:${target}> ${ARGN})
  if(NOT ASYNCIO_HUGE)
    list(APPEND command --test-suite-exclude=huge)
  endif()
  # Against what hangs, should the test's own watchdog not bark: on a busy
  # machine a million of anything takes long.
  set(timeout 240)
  if(ASYNCIO_VALGRIND)
    # A test case of the suite "huge" would take minutes.
    set(command
      valgrind
      --quiet
      --error-exitcode=99
      --leak-check=full
      --show-leak-kinds=definite,indirect,possible
      --errors-for-leak-kinds=definite,indirect,possible
      ${command}
      --test-suite-exclude=huge
    )
    set(timeout 900)
  elseif(ASYNCIO_SANITIZE)
    set(timeout 600)
  endif()
  set(name "${ASYNCIO_TEST_PREFIX}${name}")
  add_test(NAME ${name} COMMAND ${command})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${timeout}
    ENVIRONMENT "${ASYNCIO_TEST_ENVIRONMENT}"
  )
endfunction()

# g++'s runtime looks for returned stack frames only when asked.
set(ASYNCIO_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_stack_use_after_return=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
)

if(ASYNCIO_VALGRIND)
  list(APPEND ASYNCIO_TEST_ENVIRONMENT "ASYNCIO_UNDER_VALGRIND=1")
endif()

# Precompiled headers for a target that is not optimised beyond `level`, such
# as -O0, with doctest for a test: they are compiled once for each level.
function(asyncio_precompile target level)
  cmake_parse_arguments(PARSE_ARGV 2 precompile "DOCTEST" "" "")
  if(NOT ASYNCIO_PRECOMPILE)
    return()
  endif()
  set(headers precompiled${level})
  set(library common)
  set(doctest "")
  if(precompile_DOCTEST)
    string(APPEND headers -doctest)
    set(library test_main)
    set(doctest <doctest/doctest.h>)
  endif()
  if(NOT TARGET ${headers})
    asyncio_write("${CMAKE_BINARY_DIR}/${headers}.cpp" "// Nothing but headers.\n")
    add_library(${headers} OBJECT "${CMAKE_BINARY_DIR}/${headers}.cpp")
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

# A doctest executable. Its output stays out of bin/, where the stages are.
# It is not optimised beyond -O1, or the level given: doctest's macros take
# long to optimise, and gain nothing by it.
function(asyncio_test_executable target)
  cmake_parse_arguments(PARSE_ARGV 1 test "" LEVEL "")
  if(NOT test_LEVEL)
    set(test_LEVEL -O1)
  endif()
  add_executable(${target} ${test_UNPARSED_ARGUMENTS})
  asyncio_flags(${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${test_LEVEL}>)
  asyncio_precompile(${target} ${test_LEVEL} DOCTEST)
  target_link_libraries(${target} PRIVATE test_main common)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests"
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

# NN_test_IDEA and the test NN.IDEA for each file of tests/.
function(asyncio_add_ideas number folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/tests/*.cpp")
  if(ASYNCIO_ONE_IDEAS_BINARY AND sources)
    asyncio_one_source(${number}_ideas one ${sources})
    asyncio_test_executable(${number}_ideas ${one})
    target_include_directories(${number}_ideas PRIVATE "${folder}")
    add_dependencies(${number}_all ${number}_ideas)
  endif()
  foreach(source IN LISTS sources)
    get_filename_component(idea "${source}" NAME_WE)
    if(ASYNCIO_ONE_IDEAS_BINARY)
      asyncio_add_test(${number}.${idea} ${number}_ideas
        "--source-file=*/tests/${idea}.cpp"
      )
    else()
      set(target ${number}_test_${idea})
      asyncio_test_executable(${target} "${source}")
      target_include_directories(${target} PRIVATE "${folder}")
      add_dependencies(${number}_all ${target})
      asyncio_add_test(${number}.${idea} ${target})
    endif()
    file(STRINGS "${source}" huge REGEX "TEST_SUITE\\(\"huge\"\\)")
    if(huge)
      # ctest starts the costly ones first.
      # Looking for returned stack frames makes exceptions several times slower.
      set_tests_properties(${ASYNCIO_TEST_PREFIX}${number}.${idea} PROPERTIES
        COST 1000
        LABELS huge
        ENVIRONMENT "ASAN_OPTIONS=detect_stack_use_after_return=0"
      )
    endif()
  endforeach()
endfunction()

# Writes a source file that includes the given ones; sets result to its name.
function(asyncio_one_source name result)
  set(content "")
  foreach(source IN LISTS ARGN)
    string(APPEND content "#include \"${source}\"\n")
  endforeach()
  set(file "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  asyncio_write("${file}" "${content}")
  set(${result} "${file}" PARENT_SCOPE)
endfunction()

# As asyncio_one_source, each source in a namespace of its own: two may use the
# same name; main() is in none. What they include comes first, outside.
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
    string(APPEND first "#if __has_include(${header})\n#include ${header}\n#endif\n")
  endforeach()
  set(file "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  asyncio_write("${file}" "${first}${content}")
  set_property(SOURCE "${file}" APPEND PROPERTY COMPILE_OPTIONS
    # g++ takes what was included for a header.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>
  )
  set(${result} "${file}" PARENT_SCOPE)
endfunction()

# Sets result to whether a source file would see the same headers in either
# folder: those that it includes, those that these include, and so on.
function(asyncio_same_headers source from to result)
  set(same ON)
  set(seen "")
  set(files "${source}")
  while(files)
    list(POP_FRONT files file)
    file(STRINGS "${file}" includes REGEX "^#include \"[a-z0-9_]+\\.hpp\"")
    foreach(include IN LISTS includes)
      string(REGEX REPLACE "^#include \"(.*)\"" "\\1" name "${include}")
      if(NOT name IN_LIST seen AND EXISTS "${to}/${name}")
        list(APPEND seen "${name}")
        list(APPEND files "${to}/${name}")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
          "${to}/${name}"
        )
        set(old "")
        if(EXISTS "${from}/${name}")
          file(READ "${from}/${name}" old)
        endif()
        file(READ "${to}/${name}" new)
        if(NOT old STREQUAL new)
          set(same OFF)
        endif()
      endif()
    endforeach()
  endwhile()
  set(${result} ${same} PARENT_SCOPE)
endfunction()

# The earlier stages' idea tests, compiled against this stage's headers: not
# optimised, and without those that take long; their own stage has run them.
# One that sees what it saw in the stage before has been compiled there.
function(asyncio_add_earlier_ideas number folder)
  get_filename_component(stages "${folder}" DIRECTORY)
  file(GLOB earlier CONFIGURE_DEPENDS "${stages}/[0-9][0-9]_*/tests/*.cpp")
  file(GLOB all CONFIGURE_DEPENDS "${stages}/[0-9][0-9]_*")
  list(SORT all)
  list(FIND all "${folder}" place)
  math(EXPR place "${place} - 1")
  if(place LESS 0)
    return()
  endif()
  list(GET all ${place} before)
  list(GET all -1 last)
  string(REGEX REPLACE "^.*/(..)_[^/]*$" "\\1" before_number "${before}")
  set(parts "")
  foreach(source IN LISTS earlier)
    file(RELATIVE_PATH relative "${stages}" "${source}")
    string(SUBSTRING "${relative}" 0 2 its_number)
    if(its_number STRLESS number AND (
        ASYNCIO_EARLIER_IDEAS STREQUAL "all" OR
        folder STREQUAL last OR
        its_number STREQUAL before_number))
      string(REGEX REPLACE "/.*" "" its_folder "${relative}")
      # A build of the last stage alone compares with the test's own.
      if(NOT ASYNCIO_EARLIER_IDEAS STREQUAL "all")
        set(before "${stages}/${its_folder}")
      endif()
      asyncio_same_headers("${source}" "${before}" "${folder}" same)
      if(NOT same)
        list(APPEND sources_${its_number} "${source}")
        list(APPEND parts ${its_number})
      endif()
    endif()
  endforeach()
  list(REMOVE_DUPLICATES parts)
  if(ASYNCIO_EARLIER_IDEAS STREQUAL "last" AND NOT folder STREQUAL last
      OR ASYNCIO_EARLIER_IDEAS STREQUAL "none")
    return()
  endif()
  if(NOT parts)
    return()
  endif()
  set(target ${number}_earlier_ideas)
  if(ASYNCIO_ONE_IDEAS_BINARY)
    set(every "")
    foreach(part IN LISTS parts)
      list(APPEND every ${sources_${part}})
    endforeach()
    set(parts all)
    set(sources_all ${every})
  endif()
  set(files "")
  foreach(part IN LISTS parts)
    asyncio_one_source(${target}_${part} file ${sources_${part}})
    list(APPEND files "${file}")
  endforeach()
  asyncio_test_executable(${target} LEVEL -O0 ${files})
  target_include_directories(${target} PRIVATE "${folder}")
  add_dependencies(${number}_all ${target})
  asyncio_add_test(${number}.earlier_ideas ${target}
    --test-suite-exclude=huge
  )
endfunction()

# Builds each file of pitfalls/ and lets tests/pitfall.py compare what it does
# with what it says at its head. A sanitizer would change what they print.
function(asyncio_add_pitfalls number folder)
  if(ASYNCIO_SANITIZE OR ASYNCIO_VALGRIND)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/pitfalls/*.cpp")
  foreach(source IN LISTS sources)
    # What the head says may change how it is built.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
      "${source}"
    )
    get_filename_component(name "${source}" NAME_WE)
    set(test "${ASYNCIO_TEST_PREFIX}${number}.pitfall.${name}")
    file(STRINGS "${source}" not_compiling REGEX "^// Compiles: no")
    set(target "")
    if(NOT not_compiling)
      set(target ${number}_pitfall_${name})
      asyncio_pitfall_executable(${target} "${source}" "${folder}")
      add_dependencies(${number}_all ${target})
      set(what "$<TARGET_FILE:${target}>")
    else()
      set(what
        "${CMAKE_CXX_COMPILER}"
        -std=c++20
        -Wall
        -Wextra
        -Wpedantic
        -Wshadow
        -Werror
        "-I${folder}"
        "-I${ASYNCIO_ROOT_DIR}"
        -fsyntax-only
        "${source}"
      )
    endif()
    asyncio_python_test("${test}"
      "${ASYNCIO_ROOT_DIR}/tests/pitfall.py" "${source}" -- ${what}
    )
    set_tests_properties("${test}" PROPERTIES TIMEOUT 60)
  endforeach()
endfunction()

function(asyncio_pitfall_executable target source folder)
  add_executable(${target} "${source}")
  asyncio_flags(${target})
  file(STRINGS "${source}" flags REGEX "^// Flags: ")
  string(REGEX REPLACE "^// Flags: *" "" flags "${flags}")
  separate_arguments(flags UNIX_COMMAND "${flags}")
  # These come after the build type's flags: its -O3 does not hold.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1> ${flags})
  if(NOT flags)
    asyncio_precompile(${target} -O1)
  endif()
  list(FILTER flags INCLUDE REGEX "^-fsanitize")
  target_link_options(${target} PRIVATE ${flags})
  target_include_directories(${target} PRIVATE "${folder}")
  target_link_libraries(${target} PRIVATE common)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/pitfalls"
  )
endfunction()

# Adds a test that python3 runs; skipped, and shown as such, without python3.
function(asyncio_python_test test)
  find_program(ASYNCIO_PYTHON NAMES python3)
  if(ASYNCIO_PYTHON)
    add_test(NAME "${test}" COMMAND "${ASYNCIO_PYTHON}" ${ARGN})
  else()
    add_test(NAME "${test}" COMMAND python3 ${ARGN})
    set_tests_properties("${test}" PROPERTIES DISABLED TRUE)
  endif()
  set_tests_properties("${test}" PROPERTIES
    ENVIRONMENT "${ASYNCIO_TEST_ENVIRONMENT};PYTHONDONTWRITEBYTECODE=1"
  )
endfunction()

# The stage in the current folder: its binary bin/NN_name, its tests. A macro,
# because enable_testing() must be called where the top of the build is.
macro(add_stage)
  enable_testing()
  if(NOT TARGET common)
    add_subdirectory("${ASYNCIO_COMMON_DIR}" "${CMAKE_BINARY_DIR}/common")
  endif()
  asyncio_add_stage("${CMAKE_CURRENT_SOURCE_DIR}")
endmacro()

# Sets result to the numbers of the stages whose programs are built.
function(asyncio_program_stages result)
  file(GLOB folders "${ASYNCIO_ROOT_DIR}/stages/[0-9][0-9]_*")
  list(TRANSFORM folders REPLACE "^.*/(..)_[^/]*$" "\\1")
  list(SORT folders)
  list(GET folders -1 last)
  set(wanted ${ASYNCIO_PROGRAMS})
  list(TRANSFORM wanted REPLACE "^last$" "${last}")
  if(wanted STREQUAL "all")
    set(wanted ${folders})
  endif()
  set(${result} ${wanted} PARENT_SCOPE)
endfunction()

function(asyncio_add_stage folder)
  get_filename_component(name "${folder}" NAME)
  string(SUBSTRING "${name}" 0 2 number)
  file(GLOB main CONFIGURE_DEPENDS "${folder}/main.cpp")
  file(GLOB demos CONFIGURE_DEPENDS "${folder}/demos/*.cpp")
  set(sources "")
  if(ASYNCIO_ONE_PROGRAM_SOURCE AND main)
    foreach(demo IN LISTS demos)
      # With a function that is not static: another demo may call it.
      file(STRINGS "${demo}" shared REGEX "^[A-Za-z][A-Za-z_:<>]* [a-z0-9_]+\\(")
      if(shared)
        list(APPEND sources "${demo}")
        list(REMOVE_ITEM demos "${demo}")
      endif()
    endforeach()
    asyncio_merged_source(${number}_program program ${demos} ${main})
    list(APPEND sources ${program})
  else()
    list(APPEND sources ${main} ${demos})
  endif()
  # Everything of this stage, for a build of only some.
  add_custom_target(${number}_all)
  asyncio_program_stages(wanted)
  if(sources AND number IN_LIST wanted)
    add_executable(${name} ${sources})
    asyncio_flags(${name})
    target_compile_definitions(${name} PRIVATE STAGE_NAME="${name}")
    target_include_directories(${name} PRIVATE "${folder}")
    target_link_libraries(${name} PRIVATE common)
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin"
    )
    add_dependencies(${number}_all ${name})
  endif()
  asyncio_add_ideas(${number} "${folder}")
  asyncio_add_earlier_ideas(${number} "${folder}")
  asyncio_add_pitfalls(${number} "${folder}")
endfunction()
