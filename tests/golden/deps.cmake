if(TARGET yoke_model)
  set(YOKE_TEST_DEPS yoke_model)
endif()
