include(GNUInstallDirs)

# Flags that every target of ours shares; link it PRIVATE.
add_library(otfleet_flags INTERFACE)
# GCC 12 sees overlaps in concatenated strings that are not there (its bug 105329).
target_compile_options(otfleet_flags INTERFACE -Wall -Wextra -Wno-unknown-pragmas
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                       $<$<BOOL:${OTFLEET_WERROR}>:-Werror>
                       $<$<BOOL:${OTFLEET_NATIVE}>:-march=native>)

# One include root, the repository itself: #include "kernels/solvers/sinkhorn/sinkhorn.hpp".
add_library(otfleet_include INTERFACE)
# Installed, the root is include/otfleet, and the path of a header stays the same.
target_include_directories(otfleet_include INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/otfleet>)
