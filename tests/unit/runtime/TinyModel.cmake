# tiny_model(TEST NAME DEFINITION...): the library NAME, a variant of the model in TinyModel.c, beside the test program that loads it.
function(tiny_model test name)
  add_library(${name} MODULE ${CMAKE_SOURCE_DIR}/tests/unit/runtime/TinyModel.c)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE ${ARGN})
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  add_dependencies(${test} ${name})
endfunction()
set(checksum "CHECKSUM=0x221ca550ebef2fb7u")
