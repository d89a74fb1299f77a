# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Thin wraps of AddMLIR: everything links the one shared libMLIR and libLLVM.
set(MOE_LLVM_ROOT "/usr/lib/llvm-22" CACHE PATH "Prefix of LLVM and MLIR 22")
find_package(MLIR REQUIRED CONFIG PATHS ${MOE_LLVM_ROOT}/lib/cmake/mlir NO_DEFAULT_PATH)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "LLVM 22 is needed, ${LLVM_PACKAGE_VERSION} was found in ${MOE_LLVM_ROOT}")
endif()
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${LLVM_DEFINITIONS_LIST})

# A static library of compiler code; the dylibs come in once, at the tools.
function(moe_add_compiler_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE -fno-rtti)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS} MLIR LLVM)
endfunction()

function(add_moe_dialect_library name)
  moe_add_compiler_library(${name} ${ARGN})
endfunction()

function(add_moe_conversion_library name)
  moe_add_compiler_library(${name} ${ARGN})
endfunction()

function(add_moe_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE -fno-rtti)
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} MLIR LLVM)
endfunction()

# Generated header: <td file> -> build/include/moe/.../<out>, e.g.
#   moe_tablegen(MoEOps.h.inc -gen-op-decls)
macro(moe_tablegen out)
  mlir_tablegen(${out} ${ARGN})
endmacro()
