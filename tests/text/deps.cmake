set(YOKE_TEST_DEPS yoke_text yoke_gguf)
