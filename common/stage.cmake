# What every CMakeLists.txt here includes: how all code is compiled, and
# add_stage(), which builds one stages/NN_name/ from what the folder holds. What
# only makes the whole tree quicker to build is in tests/speed.cmake.
include_guard(GLOBAL)

option(ASYNCIO_WERROR "Warnings are errors" OFF)
set(ASYNCIO_SANITIZE "" CACHE STRING "For example address,undefined")
set(ASYNCIO_IDEAS all CACHE STRING
  "Test the ideas of all stages, or of some: 04;last")
set(ASYNCIO_PROGRAMS all CACHE STRING
  "Test the programs of all stages, or of some: 01;02;last")

get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT multi_config)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(ASYNCIO_COMMON_DIR "${CMAKE_CURRENT_LIST_DIR}")
get_filename_component(ASYNCIO_ROOT_DIR "${ASYNCIO_COMMON_DIR}" DIRECTORY)

include("${ASYNCIO_ROOT_DIR}/tests/tiers.cmake")

# For targets outside stages/ too.
function(asyncio_flags target)
  target_compile_options(${target} PRIVATE
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow
    $<$<BOOL:${ASYNCIO_WERROR}>:-Werror>
    # A stage is headers, so a program is one unit: g++ inlines less in a large
    # one, which cost a fifth of a switch.
    $<$<CXX_COMPILER_ID:GNU>:--param=large-unit-insns=50000>
    # Debian 12's valgrind cannot read clang's DWARF 5.
    $<$<BOOL:${ASYNCIO_VALGRIND}>:-gdwarf-4>
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

function(asyncio_add_stage folder)
  get_filename_component(name "${folder}" NAME)
  string(SUBSTRING "${name}" 0 2 number)
  # Everything of this stage, for a build of only some.
  add_custom_target(${number}_all)
  asyncio_add_program(${number} "${folder}" ${name})
  asyncio_names("${ASYNCIO_IDEAS}" "${folder}" wanted)
  if(wanted)
    asyncio_add_ideas(${number} "${folder}")
  endif()
  if(NOT ASYNCIO_SANITIZE AND NOT ASYNCIO_VALGRIND)
    asyncio_add_pitfalls(${number} "${folder}")
  endif()
endfunction()

# A stage that is built alone has everything in the user's tier. Of the whole
# tree a user tests the programs of 02, which has callbacks, and of the last,
# which has all the rest.
function(asyncio_program_tier folder result)
  asyncio_names("${ASYNCIO_PROGRAMS}" "${folder}" wanted)
  asyncio_names("02;last" "${folder}" of_user)
  if(CMAKE_SOURCE_DIR STREQUAL folder OR (wanted AND of_user))
    set(${result} user PARENT_SCOPE)
  elseif(wanted)
    set(${result} ci PARENT_SCOPE)
  else()
    set(${result} none PARENT_SCOPE)
  endif()
endfunction()

function(asyncio_add_program number folder name)
  file(GLOB sources CONFIGURE_DEPENDS
    "${folder}/main.cpp"
    "${folder}/demos/*.cpp"
  )
  add_executable(${name} ${sources})
  asyncio_flags(${name})
  target_compile_definitions(${name} PRIVATE STAGE_NAME="${name}")
  target_include_directories(${name} PRIVATE "${folder}")
  target_link_libraries(${name} PRIVATE common)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin"
  )
  asyncio_program_tier("${folder}" tier)
  asyncio_tier(${tier} ${name})
  if(NOT tier STREQUAL "none")
    add_dependencies(${number}_all ${name})
  endif()
endfunction()

# The test NN.IDEA for each file of tests/: NN_test_IDEA where the stage is
# built alone, else what NN_ideas has of that file.
function(asyncio_add_ideas number folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/tests/*.cpp")
  foreach(source IN LISTS sources)
    get_filename_component(idea "${source}" NAME_WE)
    set(target ${number}_ideas)
    set(filter "--source-file=*/tests/${idea}.cpp")
    if(CMAKE_SOURCE_DIR STREQUAL folder)
      set(target ${number}_test_${idea})
      set(filter "")
    endif()
    if(TARGET ${target})
      target_sources(${target} PRIVATE "${source}")
    else()
      asyncio_test_executable(${target} "${source}")
      target_include_directories(${target} PRIVATE "${folder}")
      add_dependencies(${number}_all ${target})
    endif()
    asyncio_add_test(user ${number}.${idea} ${target} ${filter})
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

# Builds each file of pitfalls/ and lets tests/pitfall.py compare what it does
# with what it says at its head. A sanitizer would change what they print.
function(asyncio_add_pitfalls number folder)
  set(tier ci)
  if(CMAKE_SOURCE_DIR STREQUAL folder)
    set(tier user)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/pitfalls/*.cpp")
  # What the head says may change how it is built.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    set(target ${number}_pitfall_${name})
    file(STRINGS "${source}" not_compiling REGEX "^// Compiles: no")
    if(not_compiling)
      set(command "${CMAKE_CXX_COMPILER}" -std=c++20 -Wall -Wextra -Wpedantic
        -Wshadow -Werror "-I${folder}" "-I${ASYNCIO_ROOT_DIR}" -fsyntax-only
        "${source}"
      )
    else()
      asyncio_pitfall_executable(${target} "${source}" "${folder}")
      asyncio_tier(${tier} ${target})
      add_dependencies(${number}_all ${target})
      set(command "$<TARGET_FILE:${target}>")
    endif()
    set(test "${ASYNCIO_TEST_PREFIX}${number}.pitfall.${name}")
    asyncio_python_test(${tier} "${test}"
      "${ASYNCIO_ROOT_DIR}/tests/pitfall.py" "${source}" -- ${command}
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
  list(FILTER flags INCLUDE REGEX "^-fsanitize")
  target_link_options(${target} PRIVATE ${flags})
  target_include_directories(${target} PRIVATE "${folder}")
  target_link_libraries(${target} PRIVATE common)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/pitfalls"
  )
endfunction()
