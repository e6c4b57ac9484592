find_package(nlohmann_json REQUIRED)
set(YOKE_TEST_DEPS yoke_text yoke_gguf nlohmann_json::nlohmann_json)
