# HDF5 with MPI. What CMake has found stays in the build folder, an HDF5 without MPI too, where one with MPI may have
# been installed since: it is then searched for again.

macro(otfleet_forget_hdf5)
  get_cmake_property(otfleet_cached CACHE_VARIABLES)
  foreach(variable IN LISTS otfleet_cached)
    if(variable MATCHES "^HDF5_" AND NOT variable MATCHES "^HDF5_(ROOT|PREFER_PARALLEL)$")
      unset(${variable} CACHE)
      unset(${variable})
    endif()
  endforeach()
endmacro()

set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 QUIET COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  otfleet_forget_hdf5()
  find_package(HDF5 COMPONENTS C)
endif()
if(NOT HDF5_IS_PARALLEL)
  otfleet_forget_hdf5()
  message(FATAL_ERROR
    "No HDF5 with MPI was found: install libhdf5-openmpi-dev, or name its folder with -D HDF5_ROOT=…")
endif()
