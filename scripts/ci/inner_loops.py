"""What the inner loops of the AVX-512 VNNI matrix products consist of, from the compiled objects."""

import glob
import os
import re
import subprocess

# Objects of the families whose products are dot products.
OBJECTS = "src/devices/cpu/kernels/linear/CMakeFiles/yoke_linear_{}.dir/linear_kernels.cc.o"
FAMILIES = ["avx512vnni_block32", "avx512vnni_super256", "avx512bf16_bf16"]


def functions(path):
    """(name, [(address, instruction)]) of an object's functions."""
    text = subprocess.run(["objdump", "-dC", "--no-show-raw-insn", path], check=True, capture_output=True, text=True)
    name, body = None, []
    for line in text.stdout.splitlines():
        head = re.match(r"[0-9a-f]+ <(.*)>:$", line)
        if head:
            if name:
                yield name, body
            name, body = head[1], []
            continue
        instruction = re.match(r"\s+([0-9a-f]+):\t(\S.*)$", line)
        if instruction:
            body.append((int(instruction[1], 16), instruction[2].strip()))
    if name:
        yield name, body


def is_dot(instruction):
    return instruction.startswith(("vpdpbusd", "{evex} vpdpbusd", "vdpbf16ps"))


def inner_loop(body):
    """The instructions of the smallest loop around all dot products: a jump back and what it jumps over."""
    dots = sum(is_dot(i) for _, i in body)
    best = None
    for at, instruction in body:
        jump = re.match(r"j\w+\s+([0-9a-f]+)", instruction)
        if not jump or int(jump[1], 16) >= at:
            continue
        loop = [i for a, i in body if int(jump[1], 16) <= a <= at]
        if sum(map(is_dot, loop)) == dots and (best is None or len(loop) < len(best)):
            best = loop
    return best


MEMORY = re.compile(r"-?(?:0x[0-9a-f]+)?\([^)]*\)")


def kinds(loop, body):
    """Counts by kind. A spill goes to or comes from a place on the stack that the function stores a vector to."""
    slots = set()
    for _, i in body:
        store = re.match(r"vmov\w+\s+%zmm\d+,(-?(?:0x[0-9a-f]+)?\(%r[sb]p\))$", i)
        if store:
            slots.add(store[1])
    counts = {"all": len(loop), "dots": 0, "other 512 bit": 0, "loads": 0, "broadcasts": 0, "spills": 0, "scalar": 0}
    for i in loop:
        memory = MEMORY.search(i)
        if not re.search(r"%[xyz]mm", i):
            counts["scalar"] += 1
        elif is_dot(i):
            counts["dots"] += 1
        elif "%zmm" in i:
            counts["other 512 bit"] += 1
        if memory and "%zmm" in i:
            kind = "broadcasts" if "{1to" in i or "broadcast" in i else "spills" if memory[0] in slots else "loads"
            counts[kind] += 1
    return counts


def count(build):
    """{"Q4_K 2x4": {kind: count}}: format and tile, panels of 16 rows by rows of activations."""
    loops = {}
    for family in FAMILIES:
        path = os.path.join(build, OBJECTS.format(family))
        if not glob.glob(path):
            raise FileNotFoundError(path)
        for name, body in functions(path):
            tile = re.match(r"void yoke::cpu::run_tile<yoke::cpu::(?:\w+<yoke::cpu::)?(\w+)>?, (\d+), (\d+)>",
                            name.replace("(anonymous namespace)::", ""))
            if not tile:
                continue
            loop = inner_loop(body)
            loops[f"{tile[1]} {tile[2]}x{tile[3]}"] = kinds(loop, body) if loop else {}
    return dict(sorted(loops.items()))
