set(YOKE_TEST_DEPS yoke_cpu_linear yoke_tensor)
