# The tests run the built program as anybody would.
if(NOT TARGET yoke_built_program)
  add_library(yoke_built_program INTERFACE)
  target_compile_definitions(yoke_built_program INTERFACE YOKE_PROGRAM="$<TARGET_FILE:yoke>")
  add_dependencies(yoke_built_program yoke)
endif()
find_package(nlohmann_json REQUIRED)
set(YOKE_TEST_DEPS yoke_built_program yoke_base nlohmann_json::nlohmann_json)
