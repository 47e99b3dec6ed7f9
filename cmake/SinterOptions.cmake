# What holds for all code: language standard, warnings, sanitizers, where programs go.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(SINTER_ASSERTIONS "Optimise, and keep assertions" OFF)
if(SINTER_ASSERTIONS)
  set(CMAKE_CXX_FLAGS_RELEASE "-O2")
  set(CMAKE_C_FLAGS_RELEASE "-O2")
  # GCC 12 loses track of what a std::optional holds at this level.
  add_compile_options(-Wno-maybe-uninitialized)
endif()

set(SINTER_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined")
if(SINTER_SANITIZE)
  add_compile_options(-fsanitize=${SINTER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
  # vptr needs RTTI, which code that uses LLVM is built without.
  add_compile_options(-fno-sanitize=vptr)
  # GCC loses track of values across its own instrumentation: std::regex, llvm::SmallDenseMap.
  add_compile_options(-Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${SINTER_SANITIZE})
  add_library(SinterSanitizerOptions OBJECT ${CMAKE_CURRENT_LIST_DIR}/SanitizerOptions.cpp)
  link_libraries($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:SinterSanitizerOptions>>)
  # For programs that are not instrumented and open libraries that are, such as Python. Leaks of these are their own.
  if(SINTER_SANITIZE MATCHES "thread")
    set(runtimes tsan stdc++)
    # The sanitizer of g++ 12 cannot live with as much randomisation of addresses as newer kernels do.
    find_program(SETARCH setarch REQUIRED)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${SETARCH} -R)
  else()
    set(runtimes asan ubsan stdc++)
  endif()
  foreach(library ${runtimes})
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=lib${library}.so OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
    list(APPEND sanitizers ${path})
  endforeach()
  list(JOIN sanitizers ":" sanitizers)
  set(SINTER_SANITIZER_ENVIRONMENT "LD_PRELOAD=${sanitizers}" "ASAN_OPTIONS=detect_leaks=0:allow_user_poisoning=0")
endif()

find_program(SINTER_CCACHE ccache)
if(SINTER_CCACHE)
  # Comments count: a precompiled header knows the files in it by their bytes, and would have a second copy of one whose comments changed.
  set(SINTER_CCACHE_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_COMMENTS=1 ${SINTER_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SINTER_CCACHE_LAUNCHER})
  set(CMAKE_C_COMPILER_LAUNCHER ${SINTER_CCACHE_LAUNCHER})
endif()

# Warnings are errors in our own code; LLVM's headers are system headers.
add_compile_options(-Wall -Wextra -Werror $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers>)
# GCC 12 reports overlapping copies inside its own std::string.
add_compile_options(-Wno-restrict)

# Addresses of functions are settled before main and read-only from then on; no page is written and executed.
add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack,-z,separate-code)

# Code checks its stack and the sizes that it gives to the C library; its calls and jumps go only where they may, on processors that can tell. This holds
# for all folders: LLVM's and MLIR's templates are instantiated in ours, so a function that is hardened in one folder only may be linked from another.
# Kernels are not compiled here, so their speed does not depend on it. Sanitizers check more, and _FORTIFY_SOURCE needs optimisation.
if(NOT SINTER_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-fcf-protection=full SINTER_HAS_CF_PROTECTION)
  if(SINTER_HAS_CF_PROTECTION)
    add_compile_options(-fcf-protection=full)
  endif()
endif()

# lld links our programs, each with MLIR inside, in a seventh of ld's time.
find_program(SINTER_LLD ld.lld HINTS /usr/lib/llvm-22/bin)
if(SINTER_LLD)
  get_filename_component(SINTER_LLD_FOLDER ${SINTER_LLD} DIRECTORY)
  add_link_options(-fuse-ld=lld -B${SINTER_LLD_FOLDER})
endif()
