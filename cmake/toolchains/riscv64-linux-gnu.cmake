# Debian's cross compiler: apt-get install g++-riscv64-linux-gnu; programs run under qemu-user.
set(CMAKE_SYSTEM_PROCESSOR riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
