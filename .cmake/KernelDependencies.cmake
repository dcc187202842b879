# What kernels/ needs, found in one way by the project and by who uses it installed, after Kokkos. Sets
# otfleet_missing to what is not found.

set(otfleet_missing "")
# Debian's Kokkos names an include folder that does not exist; its headers lie under trilinos/.
find_path(OTFLEET_TRILINOS_INCLUDE_DIR Kokkos_Core.hpp PATHS /usr/include/trilinos NO_DEFAULT_PATH)
get_target_property(_kokkos_libraries Kokkos::kokkos INTERFACE_LINK_LIBRARIES)
if(OTFLEET_TRILINOS_INCLUDE_DIR AND "${_kokkos_libraries}" MATCHES "trilinos")
  set_target_properties(Kokkos::kokkos PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${OTFLEET_TRILINOS_INCLUDE_DIR})
endif()

# Products of matrices: KokkosBlas, which hands them on to a BLAS. Debian's package has no target of
# the usual name.
if(OTFLEET_TRILINOS_INCLUDE_DIR AND "${_kokkos_libraries}" MATCHES "trilinos")
  if(NOT TARGET Kokkos::kokkoskernels)
    find_library(OTFLEET_KOKKOS_KERNELS_LIBRARY trilinos_kokkoskernels)
    if(OTFLEET_KOKKOS_KERNELS_LIBRARY)
      add_library(Kokkos::kokkoskernels INTERFACE IMPORTED GLOBAL)
      target_link_libraries(Kokkos::kokkoskernels
                            INTERFACE ${OTFLEET_KOKKOS_KERNELS_LIBRARY} Kokkos::kokkos)
    else()
      set(otfleet_missing "libtrilinos_kokkoskernels (Debian: libtrilinos-kokkos-kernels-dev)")
    endif()
  endif()
else()
  find_package(KokkosKernels QUIET)
  if(NOT KokkosKernels_FOUND)
    set(otfleet_missing "KokkosKernels (its package's folder: KokkosKernels_ROOT)")
  endif()
endif()

find_path(SLEEF_INCLUDE_DIR sleef.h)
find_library(SLEEF_LIBRARY sleef)
if(SLEEF_INCLUDE_DIR AND SLEEF_LIBRARY AND NOT TARGET otfleet_sleef)
  add_library(otfleet_sleef INTERFACE IMPORTED GLOBAL)
  target_link_libraries(otfleet_sleef INTERFACE ${SLEEF_LIBRARY})
endif()
