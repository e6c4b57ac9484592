"""Instructions that the AVX2 kernels of `yoke` take for a fixed piece of work, counted by callgrind."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
           "IQ4_NL", "IQ4_XS", "MXFP4"]
SHAPE = ["--like", "SmolLM2-135M", "--layers", "2", "--hidden", "256", "--heads", "4", "--kv-heads", "2",
         "--head-dim", "64", "--feed-forward", "768", "--vocabulary", "320", "--seed", "1"]
OPS_FORMAT = "Q8_0"  # the run that the counts of the other ops are taken from

# Functions of the row ops and of attention; the first match counts.
OPS = [("quantize", r"quantize|quantized"), ("norm", r"rms_|scale_rows"), ("rope", r"rope"),
       ("gated_mul", r"gated_mul"), ("add", r"::add\("), ("kv_write", r"kv_write|Kv::write"), ("attention", r"")]

# An entry of callgrind_annotate: count, share, file, function, object.
LINE = re.compile(r"\s*([\d,]+) \(.*?%\)\s+[^ ]*?:(.*) \[(.*)\]$")


def group_of(function, kind):
    name = function.replace("(anonymous namespace)::", "")
    product = re.match(r"void yoke::cpu::run_\w+<yoke::cpu::(?:\w+<yoke::cpu::)?(\w+)", name)
    if product:
        return f"products {kind}" if product[1] == kind else None
    if kind != OPS_FORMAT:
        return None
    own = re.match(r"(?:\w+ )?yoke::cpu::avx2::(.*)", name)
    if own:
        return "op " + next(op for op, pattern in OPS if re.search(pattern, "::" + own[1].split("(")[0] + "("))
    if re.match(r"(?:\w+ )?yoke::cpu::(\w*Op::|Division|CpuSegment|CpuDevice)", name):
        return "around the kernels"
    return None


def work_of(kind):
    """Characters of the prompt, tokens of the answer: more for the run that attention is counted in."""
    return (256, 16) if kind == OPS_FORMAT else (48, 4)


def counts_of(yoke, text, folder, kind):
    model, out = os.path.join(folder, kind + ".gguf"), os.path.join(folder, kind + ".callgrind")
    prompt, answer = work_of(kind)
    # No graphics drivers: looking for them takes longer than the work.
    env = dict(os.environ, VK_DRIVER_FILES="/nonexistent", VK_ICD_FILENAMES="/nonexistent", LC_ALL="C")
    run = lambda *command: subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    run(yoke, "synth", *SHAPE, "--type", kind, model)
    run("valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, yoke, "run", model, "--devices", "cpu", "--isa",
        "avx2", "--threads", "1", "--ctx", "512", "--raw", "-p", text[:prompt], "-n", str(answer), "--temp", "0")
    counts = {}
    for line in run("callgrind_annotate", "--threshold=100", out).stdout.splitlines():
        entry = LINE.match(line)
        group = group_of(entry[2], kind) if entry else None
        if group:
            counts[group] = counts.get(group, 0) + int(entry[1].replace(",", ""))
    return counts


def count(yoke, text, folder):
    """{group: instructions} of all formats and ops."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        parts = pool.map(lambda kind: counts_of(yoke, text, folder, kind), FORMATS)
        return {group: n for part in parts for group, n in sorted(part.items())}
