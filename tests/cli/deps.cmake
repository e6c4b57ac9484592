# The tests run the built program as anybody would; a second one has a kernel that is broken on purpose.
if(NOT TARGET yoke_built_program)
  add_executable(yoke_broken ${CMAKE_CURRENT_SOURCE_DIR}/cli/broken/broken_kernel.cc)
  target_include_directories(yoke_broken PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(yoke_broken PRIVATE yoke_cli yoke_vulkan)
  add_library(yoke_built_program INTERFACE)
  target_compile_definitions(yoke_built_program INTERFACE YOKE_PROGRAM="$<TARGET_FILE:yoke>"
                             YOKE_BROKEN_PROGRAM="$<TARGET_FILE:yoke_broken>")
  add_dependencies(yoke_built_program yoke yoke_broken)
endif()
find_package(nlohmann_json REQUIRED)
set(YOKE_TEST_DEPS yoke_built_program yoke_base nlohmann_json::nlohmann_json)
