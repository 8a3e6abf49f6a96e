# PatchbayConfig.cmake - find_package(Patchbay): the SDK of an installed patchbay
#
# Patchbay::sdk    the header, for a plugin
# Patchbay::test   the test library, for a plugin's test
# Patchbay_PLUGIN_DIR, Patchbay_PROGRAM   where plugins go; what serves them
# patchbay_add_plugin(...)                see PatchbayPlugin.cmake
#
# All places are taken from where this file lies, so the tree may be moved.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH _patchbay_lib) # lib/cmake
cmake_path(GET _patchbay_lib PARENT_PATH _patchbay_lib)          # lib
cmake_path(GET _patchbay_lib PARENT_PATH _patchbay_prefix)
set(Patchbay_INCLUDE_DIR "${_patchbay_prefix}/include")
set(Patchbay_PLUGIN_DIR "${_patchbay_prefix}/lib/patchbay")
set(Patchbay_PROGRAM "${_patchbay_prefix}/bin/patchbay")
set(Patchbay_TEST_LIBRARY "${_patchbay_lib}/libpatchbay-test.so")
include("${CMAKE_CURRENT_LIST_DIR}/PatchbayPlugin.cmake")
