set(YOKE_TEST_DEPS yoke_convert)
