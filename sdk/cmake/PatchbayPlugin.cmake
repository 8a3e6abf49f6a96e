# PatchbayPlugin.cmake - targets of the SDK, and a function that builds plugins
foreach(_patchbay_file Patchbay_INCLUDE_DIR Patchbay_TEST_LIBRARY)
  if(NOT EXISTS "${${_patchbay_file}}")
    set(Patchbay_FOUND FALSE)
    set(Patchbay_NOT_FOUND_MESSAGE
      "${${_patchbay_file}} is missing: build or install patchbay again")
    return()
  endif()
endforeach()

if(NOT TARGET Patchbay::sdk)
  add_library(Patchbay::sdk INTERFACE IMPORTED)
  set_target_properties(Patchbay::sdk PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${Patchbay_INCLUDE_DIR}")
  add_library(Patchbay::test SHARED IMPORTED)
  set_target_properties(Patchbay::test PROPERTIES
    IMPORTED_LOCATION "${Patchbay_TEST_LIBRARY}"
    INTERFACE_LINK_LIBRARIES Patchbay::sdk)
endif()

option(SANITIZE "Build plugins and their tests with AddressSanitizer and UBSan"
  OFF)

# patchbay_add_plugin(NAME [SOURCES FILE...] [TEST FILE...] [LIBRARIES LIB...])
#
# Builds NAME.so in the build folder, of NAME.c unless SOURCES says otherwise:
# as a target NAME. With TEST, also a program NAME_test of the same sources, the
# test's and the test library, which ctest runs as NAME. LIBRARIES are linked to
# both.
function(patchbay_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;TEST;LIBRARIES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "patchbay_add_plugin(${name}): unknown words: "
      "${arg_UNPARSED_ARGUMENTS}; there are SOURCES, TEST and LIBRARIES")
  endif()
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.c)
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
  target_link_libraries(${name} PRIVATE Patchbay::sdk ${arg_LIBRARIES})
  if(SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=address,undefined)
    target_link_options(${name} PRIVATE -fsanitize=address,undefined)
  else()
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  if(arg_TEST)
    add_executable(${name}_test ${arg_TEST} ${arg_SOURCES})
    target_link_libraries(${name}_test PRIVATE Patchbay::test ${arg_LIBRARIES})
    if(SANITIZE)
      target_compile_options(${name}_test PRIVATE
        -fsanitize=address,undefined -fno-sanitize-recover=undefined -g)
      target_link_options(${name}_test PRIVATE -fsanitize=address,undefined)
    endif()
    add_test(NAME ${name} COMMAND ${name}_test)
  endif()
endfunction()
