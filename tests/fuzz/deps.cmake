set(YOKE_TEST_DEPS yoke_gguf)
if(NOT YOKE_FUZZ)  # libFuzzer's program reads files only
  list(APPEND YOKE_TEST_DEPS yoke_model)
endif()
