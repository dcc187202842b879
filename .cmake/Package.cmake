# cmake --install: the program, and the kernels as a CMake package (component kernels).
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/otfleet)
install(TARGETS otfleet RUNTIME COMPONENT program)
install(TARGETS otfleet_networks LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/otfleet COMPONENT program)
set_target_properties(otfleet PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)

set_target_properties(otfleet_kernels PROPERTIES EXPORT_NAME api)
set_target_properties(otfleet_views PROPERTIES EXPORT_NAME kernels)
set_target_properties(otfleet_include PROPERTIES EXPORT_NAME include)
install(TARGETS otfleet_kernels otfleet_views otfleet_include EXPORT otfleetTargets
        ARCHIVE COMPONENT kernels
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/otfleet COMPONENT kernels)
install(EXPORT otfleetTargets NAMESPACE otfleet:: DESTINATION ${package_folder} COMPONENT kernels)

if(TARGET otfleet_sleef)
  set(otfleet_uses_sleef ON)
else()
  set(otfleet_uses_sleef OFF)
endif()
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/.cmake/otfleetConfig.cmake.in ${PROJECT_BINARY_DIR}/otfleetConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/otfleetConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/otfleetConfig.cmake
              ${PROJECT_BINARY_DIR}/otfleetConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/.cmake/KernelDependencies.cmake
        DESTINATION ${package_folder} COMPONENT kernels)
