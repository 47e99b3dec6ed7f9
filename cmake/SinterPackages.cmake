# Debian packages, by `cpack` in the build folder: sinter (the tools), libsinter (the compiler as a library), libsinter-runtime,
# libsinter-onednn (its fallback backend) and libsinter-dev.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "Sinter <sinter@localhost>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL tools library runtime onednn development)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Our libraries depend on each other by name, on others by what dpkg-shlibdeps finds.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(same "(= ${PROJECT_VERSION})")

macro(sinter_package component name section description)
  string(TOUPPER ${component} key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section})
  set(CPACK_COMPONENT_${key}_DESCRIPTION "${description}")
endmacro()
sinter_package(tools sinter devel "Compiler of ONNX models for CPUs
 The commands sinter and sinter-opt.")
sinter_package(library libsinter libs "Compiler of ONNX models for CPUs, as a library
 Compiles models within a program.")
sinter_package(runtime libsinter-runtime libs "Runs models that Sinter compiled
 Loads shared libraries of compiled models; needs no compiler.")
sinter_package(onednn libsinter-onednn libs "oneDNN for models that Sinter compiled
 Opened by libsinter-runtime for models with kernels in oneDNN.")
sinter_package(development libsinter-dev libdevel "Headers of Sinter's libraries
 With files for CMake, which compile models into programs, and for pkg-config.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libsinter-runtime ${same}, libsinter-onednn ${same}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "libsinter-onednn ${same}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libsinter-runtime ${same}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "libsinter ${same}, sinter ${same}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
include(CPack)
