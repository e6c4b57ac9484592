set(YOKE_TEST_DEPS yoke_models)
