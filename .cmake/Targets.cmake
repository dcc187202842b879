include(GNUInstallDirs)

# Flags that every target of ours shares; link it PRIVATE.
add_library(otfleet_flags INTERFACE)
# GCC 12 sees overlaps in concatenated strings that are not there (its bug 105329).
target_compile_options(otfleet_flags INTERFACE -Wall -Wextra -Wno-unknown-pragmas
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                       $<$<BOOL:${OTFLEET_WERROR}>:-Werror>
                       $<$<BOOL:${OTFLEET_ARCH}>:-march=${OTFLEET_ARCH}>)

# The same for what does not compute: kernels/ and libraries do. Compiling it takes two thirds of the time.
add_library(otfleet_cold_flags INTERFACE)
target_link_libraries(otfleet_cold_flags INTERFACE otfleet_flags)
target_compile_options(otfleet_cold_flags INTERFACE
                       $<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU,Clang>>:-O1>)

# One include root, the repository itself: #include "kernels/solvers/sinkhorn/sinkhorn.hpp".
add_library(otfleet_include INTERFACE)
# Other projects say #include <otfleet/kernels/…>. Installed, the root is include/otfleet, where headers find each other.
target_include_directories(otfleet_include INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/otfleet>)
if(NOT PROJECT_IS_TOP_LEVEL)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include/otfleet SYMBOLIC)
  target_include_directories(otfleet_include INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
endif()

# otfleet_unity(TARGET …): compiles OTFLEET_UNITY files of a folder at a time, for what a file includes costs more than what
# it says. Files with SKIP_UNITY_BUILD_INCLUSION stay alone. Names in anonymous namespaces must differ within a folder;
# families/ and data/ are several.
function(otfleet_unity)
  if(OTFLEET_UNITY LESS 2)
    return()
  endif()
  foreach(target IN LISTS ARGN)
    get_target_property(sources ${target} SOURCES)
    foreach(source IN LISTS sources)
      get_source_file_property(alone "${source}" SKIP_UNITY_BUILD_INCLUSION)
      if(alone)
        continue()
      endif()
      string(REGEX MATCH "^((families|data)/[^/]*/|[^/]*/)" folder "${source}")
      string(MAKE_C_IDENTIFIER "${target}_${folder}" group)
      if(NOT DEFINED files_${group})
        set(files_${group} 0)
      endif()
      math(EXPR batch "${files_${group}} / ${OTFLEET_UNITY}")
      math(EXPR files_${group} "${files_${group}} + 1")
      set_property(SOURCE "${source}" PROPERTY UNITY_GROUP ${group}${batch})
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  endforeach()
endfunction()
