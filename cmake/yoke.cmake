# Flags that every target gets, and the two helpers that declare a folder's library and its tests.

# Multiply and add stay apart everywhere: the numerics are a specification (docs/numerics.md).
add_compile_options(-ffp-contract=off -fno-math-errno -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                    -Wno-sign-conversion -Wnon-virtual-dtor)
# g++ 12 reports overlapping copies inside std::string's operator+ (GCC bug 105651).
add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(YOKE_WERROR)
  add_compile_options(-Werror)
endif()
if(YOKE_SANITIZE)
  add_compile_options(-fsanitize=${YOKE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${YOKE_SANITIZE})
endif()
# For kernels: their unrolled loops take minutes to compile with every check in line. Addresses are checked by
# calls, and undefined behaviour in the reference device, which does the same arithmetic.
set(YOKE_KERNEL_SANITIZE "")
if(YOKE_SANITIZE MATCHES "undefined")
  list(APPEND YOKE_KERNEL_SANITIZE -fno-sanitize=undefined)
endif()
if(YOKE_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND YOKE_KERNEL_SANITIZE --param=asan-instrumentation-with-call-threshold=0)
elseif(YOKE_SANITIZE MATCHES "address")
  list(APPEND YOKE_KERNEL_SANITIZE "SHELL:-mllvm -asan-instrumentation-with-call-threshold=0")
endif()
if(YOKE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# yoke_library(NAME SOURCES a.cc b.cc DEPS yoke_base ... PRIVATE_DEPS ...): the library of one folder.
function(yoke_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${name} PUBLIC ${A_DEPS} PRIVATE ${A_PRIVATE_DEPS})
endfunction()
