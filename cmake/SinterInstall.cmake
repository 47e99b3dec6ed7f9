# What `cmake --install` puts where, in components that are the Debian packages of SinterPackages.cmake, and the files by which
# CMake and pkg-config find it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
# What is installed is built by name; tests and benchmarks need not be.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)

# sinter_install_library(TARGET COMPONENT EXPORT): the library, and the file that declares Sinter::TARGET.
function(sinter_install_library target component export)
  install(TARGETS ${target} EXPORT ${export}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component} NAMELINK_COMPONENT development)
  install(EXPORT ${export} NAMESPACE Sinter:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Sinter COMPONENT development)
endfunction()
sinter_install_library(sinter-runtime runtime SinterRuntimeTargets)
if(NOT SINTER_RUNTIME_ONLY)
  sinter_install_library(sinter-compiler library SinterCompilerTargets)
  install(TARGETS sinter-onednn LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT onednn NAMELINK_SKIP)
  install(TARGETS sinter-isolated RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/sinter COMPONENT library)
  install(TARGETS sinter sinter-opt RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
endif()
# sinter_install_documents(COMPONENT PACKAGE TARGET...): the licence, and the bill of materials of the targets, made when they are installed, for it is read from what was
# built (scripts/sbom.py). A cross build does not know the packages of the machine that it is for.
find_program(SINTER_PYTHON python3)
function(sinter_install_documents component package)
  install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} RENAME copyright COMPONENT ${component})
  if(CMAKE_CROSSCOMPILING OR NOT SINTER_PYTHON OR NOT ARGN)
    return()
  endif()
  list(TRANSFORM ARGN REPLACE "(.+)" "\"$<TARGET_FILE:\\1>\"" OUTPUT_VARIABLE files)
  list(JOIN files " " files)
  install(CODE "execute_process(COMMAND \"${SINTER_PYTHON}\" \"${CMAKE_SOURCE_DIR}/scripts/sbom.py\" ${package} ${PROJECT_VERSION} \"${CMAKE_BINARY_DIR}\"
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATAROOTDIR}/doc/${package}/sbom.spdx.json\" ${files} COMMAND_ERROR_IS_FATAL ANY)"
    COMPONENT ${component})
endfunction()
sinter_install_documents(runtime libsinter-runtime sinter-runtime)
sinter_install_documents(development libsinter-dev)
if(NOT SINTER_RUNTIME_ONLY)
  sinter_install_documents(library libsinter sinter-compiler sinter-isolated)
  sinter_install_documents(onednn libsinter-onednn sinter-onednn)
  sinter_install_documents(tools sinter sinter sinter-opt)
endif()

install(DIRECTORY include/sinter DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
# The table that a compiled model exports, for programs that bring a loader of their own.
install(FILES runtime/Abi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sinter RENAME abi.h COMPONENT development)

configure_package_config_file(cmake/SinterConfig.cmake.in ${CMAKE_BINARY_DIR}/cmake/SinterConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Sinter PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/SinterConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cmake/SinterConfig.cmake ${CMAKE_BINARY_DIR}/cmake/SinterConfigVersion.cmake
  cmake/SinterAddModel.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Sinter COMPONENT development)

# From the .pc file up to the prefix, wherever that is moved to.
file(RELATIVE_PATH SINTER_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(name sinter sinter-runtime)
  configure_file(cmake/${name}.pc.in ${CMAKE_BINARY_DIR}/cmake/${name}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/cmake/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
