set(YOKE_TEST_DEPS yoke_model yoke_convert)
