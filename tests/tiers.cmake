# How tests are added, and to which tier: what a user runs, what CI adds to
# it, what only scripts/test --all does.
#
# A plain build and `ctest` are the user's tier. The others have a target and a
# configuration each: `cmake --build B --target ci` and `ctest -C ci` for that
# and the user's, `every` for all three.
include_guard(GLOBAL)

option(ASYNCIO_VALGRIND "Run the idea tests under valgrind" OFF)
option(ASYNCIO_HUGE "Run the tests that take long, too" ON)
set(ASYNCIO_TEST_LEVEL -O1 CACHE STRING "How a Release optimises idea tests")
set(ASYNCIO_TEST_PREFIX "" CACHE STRING "Put before every test's name")

# g++'s runtime looks for returned stack frames only when asked.
set(ASYNCIO_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_stack_use_after_return=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
)
if(ASYNCIO_VALGRIND)
  list(APPEND ASYNCIO_TEST_ENVIRONMENT "ASYNCIO_UNDER_VALGRIND=1")
endif()

add_custom_target(ci)
add_custom_target(every)
add_dependencies(every ci)

# When a target is built: user, ci, every; none: when it is asked for.
function(asyncio_tier tier target)
  if(NOT tier STREQUAL "user")
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    if(NOT tier STREQUAL "none")
      add_dependencies(${tier} ${target})
    endif()
  endif()
endfunction()

# asyncio_test(TIER NAME COMMAND...)
function(asyncio_test tier name)
  set(user "")
  set(ci CONFIGURATIONS ci every)
  set(every CONFIGURATIONS every)
  add_test(NAME ${name} ${${tier}} COMMAND ${ARGN})
endfunction()

# Sets result to the folders of all stages, in their order.
function(asyncio_stages result)
  file(GLOB folders CONFIGURE_DEPENDS
    "${ASYNCIO_ROOT_DIR}/stages/[0-9][0-9]_*"
  )
  list(SORT folders)
  set(${result} ${folders} PARENT_SCOPE)
endfunction()

# Sets result to whether a list such as 04;last names the stage in that folder.
function(asyncio_names wanted folder result)
  asyncio_stages(stages)
  list(GET stages -1 last)
  get_filename_component(name "${folder}" NAME)
  string(SUBSTRING "${name}" 0 2 number)
  set(${result} OFF PARENT_SCOPE)
  if(wanted STREQUAL "all" OR number IN_LIST wanted OR
      ("last" IN_LIST wanted AND folder STREQUAL last))
    set(${result} ON PARENT_SCOPE)
  endif()
endfunction()

# A doctest executable. Its output stays out of bin/, where the stages are.
# Optimised it would take far longer to compile: doctest's macros gain nothing
# by it.
function(asyncio_test_executable target)
  add_executable(${target} ${ARGN})
  asyncio_flags(${target})
  target_compile_options(${target} PRIVATE
    $<$<CONFIG:Release>:${ASYNCIO_TEST_LEVEL}>
  )
  target_link_libraries(${target} PRIVATE test_main common)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests"
  )
endfunction()

# asyncio_add_test(TIER NAME TARGET [ARGUMENT...]): runs such an executable.
function(asyncio_add_test tier name target)
  set(command $<TARGET_FILE:${target}> ${ARGN})
  # Against what hangs, should the test's own watchdog not bark: on a busy
  # machine a million of anything takes long.
  set(timeout 240)
  if(ASYNCIO_VALGRIND)
    set(command
      valgrind
      --quiet
      --error-exitcode=99
      --leak-check=full
      --show-leak-kinds=definite,indirect,possible
      --errors-for-leak-kinds=definite,indirect,possible
      ${command}
    )
    set(timeout 900)
  elseif(ASYNCIO_SANITIZE)
    set(timeout 600)
  endif()
  # A test case of the suite "huge" would take minutes under valgrind.
  if(ASYNCIO_VALGRIND OR NOT ASYNCIO_HUGE)
    list(APPEND command --test-suite-exclude=huge)
  endif()
  set(name "${ASYNCIO_TEST_PREFIX}${name}")
  asyncio_test(${tier} ${name} ${command})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${timeout}
    ENVIRONMENT "${ASYNCIO_TEST_ENVIRONMENT}"
  )
endfunction()

# asyncio_python_test(TIER NAME ARGUMENT...): python3 runs it; skipped, and
# shown as such, without python3.
function(asyncio_python_test tier test)
  find_program(ASYNCIO_PYTHON NAMES python3)
  if(ASYNCIO_PYTHON)
    asyncio_test(${tier} "${test}" "${ASYNCIO_PYTHON}" ${ARGN})
  else()
    asyncio_test(${tier} "${test}" python3 ${ARGN})
    set_tests_properties("${test}" PROPERTIES DISABLED TRUE)
  endif()
  set_tests_properties("${test}" PROPERTIES
    ENVIRONMENT "${ASYNCIO_TEST_ENVIRONMENT};PYTHONDONTWRITEBYTECODE=1"
  )
endfunction()
