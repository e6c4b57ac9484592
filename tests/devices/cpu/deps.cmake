set(YOKE_TEST_DEPS yoke_cpu_kernels yoke_tensor yoke_base yoke_ops)
