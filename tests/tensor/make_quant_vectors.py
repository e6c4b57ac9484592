"""Writes tests/tensor/vectors/{dequantize,quantize}.bin with PyPI's gguf (made with 0.19.0) as the oracle.

    python3 -m pip install gguf==0.19.0
    python3 tests/tensor/make_quant_vectors.py

dequantize.bin: per format u32 type, u32 elements, u32 bytes, the blocks, the floats.
quantize.bin: u32 elements, the floats; then per format u32 type, u32 bytes, the blocks. Little endian.
"""

import pathlib
import struct

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

HERE = pathlib.Path(__file__).parent / "vectors"
rng = np.random.default_rng(20240613)

# Where each format keeps its f16 scales within a block: they are made finite, all other bytes are random.
HALVES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.IQ4_NL: [0], T.MXFP4: [],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_XS: [0],
}
# f16 patterns: zeros, smallest and largest subnormal, smallest normal, one, largest, and negative ones.
EXTREME = np.array([0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF, 0x8001, 0xBC00], np.uint16)


def random_blocks(qtype, count):
    size, nbytes = gguf.GGML_QUANT_SIZES[qtype]
    blocks = rng.integers(0, 256, (count, nbytes), dtype=np.uint8)
    for offset in HALVES.get(qtype, []):
        bits = rng.integers(0, 0x7C00, count).astype(np.uint16) | (rng.integers(0, 2, count).astype(np.uint16) << 15)
        bits[: len(EXTREME)] = np.roll(EXTREME, offset)[: count]
        blocks[:, offset : offset + 2] = bits.reshape(-1, 1).view(np.uint8)
    if qtype == T.MXFP4:
        # 253 and up overflow float32 for the larger values, which is not what is tested here
        blocks[:, 0] = rng.integers(0, 253, count)
        blocks[:6, 0] = [0, 1, 2, 3, 127, 252]
    if qtype in (T.F16, T.BF16):
        words = blocks.view(np.uint16)
        limit = 0x7C00 if qtype == T.F16 else 0x7F80
        words[:] = (words & 0x8000) | ((words & 0x7FFF) % limit)
    if qtype == T.F32:
        blocks = rng.standard_normal(count).astype(np.float32).reshape(-1, 1).view(np.uint8)
    return blocks, size * count


def inputs():
    """[blocks, 32] float32: ordinary, tiny and large magnitudes, outliers, ties, zeros of both signs."""
    rows = [rng.standard_normal(32) * 10.0 ** rng.integers(-6, 5) for _ in range(80)]
    for sign in (1, -1):
        spike = rng.standard_normal(32) * 0.01
        spike[rng.integers(0, 32)] = sign * 1000
        rows.append(spike)
    rows.append((np.arange(32) - 16) / 2)
    rows.append((np.arange(32) - 15.5) / 4)
    rows.append(np.abs(rng.standard_normal(32)) + 3)
    rows.append(-np.abs(rng.standard_normal(32)) - 3)
    rows.append(np.zeros(32))
    rows.append(-np.zeros(32))
    rows.append(np.full(32, 0.75))
    rows.append(np.where(np.arange(32) % 2, 6.0, -6.0))
    rows.append(2.0 ** (np.arange(32) - 20.0))
    rows.append(np.full(32, 1e-7))
    return np.clip(np.array(rows), -60000, 60000).astype(np.float32)


def main():
    HERE.mkdir(exist_ok=True)
    with open(HERE / "dequantize.bin", "wb") as f:
        for qtype in (T.F32, T.F16, T.BF16, *HALVES):
            size, _ = gguf.GGML_QUANT_SIZES[qtype]
            blocks, n = random_blocks(qtype, {1: 256, 32: 40, 256: 12}[size])
            floats = gguf.quants.dequantize(blocks.reshape(1, -1), qtype).astype(np.float32)
            assert np.isfinite(floats).all(), qtype
            f.write(struct.pack("<3I", int(qtype), n, blocks.nbytes) + blocks.tobytes() + floats.tobytes())
    x = inputs()
    with open(HERE / "quantize.bin", "wb") as f:
        f.write(struct.pack("<I", x.size) + x.tobytes())
        for qtype in (T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.MXFP4):
            out = gguf.quants.quantize(x.reshape(1, -1), qtype)
            f.write(struct.pack("<2I", int(qtype), out.nbytes) + out.tobytes())


main()
