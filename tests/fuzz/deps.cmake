set(YOKE_TEST_DEPS yoke_text yoke_gguf)
if(NOT YOKE_FUZZ)  # libFuzzer's programs read files and texts only
  list(APPEND YOKE_TEST_DEPS yoke_model)
endif()
