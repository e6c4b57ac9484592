"""Yoke and the peers behind one face: run one row of bench/compare once, in a process of its own."""
import json
import os
import re
import signal
import subprocess
import time

TIMEOUT_S = 3600  # a run that hangs is a failure too


class Failed(Exception):
    """A run that gave no figure; the text says why and names no path."""


def why(returncode, stderr):
    """The reason in a word or two: a peer's assertion or last words, else how the process ended."""
    assertion = re.search(r"GGML_ASSERT\(.*\)", stderr)
    if assertion:
        return f"aborted, `{assertion.group(0)}`"
    words = re.search(r"^peer_bench: (.*)$", stderr, re.M)
    if words:
        return "cannot load" if "cannot be loaded" in words.group(1) else words.group(1)
    if returncode < 0:
        return f"ended by {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"


def check_output(command, env=None):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                              env=env, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"no end after {TIMEOUT_S} s") from None
    if done.returncode:
        raise Failed(why(done.returncode, done.stderr))
    return done.stdout


class Engine:
    """Runs one row once; `variants` are its own options, of which the best is taken."""

    env = None

    def __init__(self, name, version, variants):
        self.name, self.version, self.variants = name, version, variants

    def flags(self, row, threads):
        return ["--prompt", str(row.prompt), "--gen", str(row.gen), "--depth", str(row.depth), "--batch", str(row.batch),
                "--repeat", "1", "--threads", str(threads)]

    def first_token(self, model, threads, variant):
        """Wall seconds and peak resident bytes of a whole process that loads and makes one token."""
        start = time.monotonic()
        process = subprocess.Popen(self.first_token_command(model, threads, variant), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=self.env)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failed(why(process.returncode, ""))
        return time.monotonic() - start, usage.ru_maxrss * 1024


class Yoke(Engine):
    def __init__(self, program):
        version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        super().__init__("yoke", version.splitlines()[0].removeprefix("yoke "), [()])
        self.program = program
        self.runs = []  # (phase, cpu) of every run: the roofs measured beside it

    def run(self, row, model, threads, variant):
        context = row.depth + max(row.prompt, row.gen) + 32
        out = check_output([self.program, "bench", model, "--json", "--devices", "cpu", "-c", str(context),
                            *self.flags(row, threads)])
        result = json.loads(out)
        phase = next(p for p in result["phases"] if p["name"] == row.phase)
        self.runs.append((phase, result["cpu"]))
        return phase["tokens_per_s"][0]

    def first_token_command(self, model, threads, variant):
        return [self.program, "run", model, "--devices", "cpu", "-t", str(threads), "-c", "512", "--raw", "-p", "Hello",
                "-n", "1", "--temp", "0"]

    def cache_bytes(self, model):
        """Of the cache that first_token reserves."""
        plan = json.loads(check_output([self.program, "plan", model, "--devices", "cpu", "-c", "512", "--json"]))
        return sum(d["cache_bytes"] for d in plan["devices"])


class PeerEngine(Engine):
    # An aborting peer prints a backtrace through gdb, for minutes: llama.cpp heeds the variable, ik_llama.cpp only
    # the absence of a debugger on the PATH.
    env = {**os.environ, "GGML_NO_BACKTRACE": "1", "PATH": os.devnull}

    def __init__(self, peer, version, variants):
        super().__init__(peer.kind, version, variants)
        self.program = peer.driver("peer_bench")

    def command(self, model, flags, variant):
        return [self.program, model, *flags, *variant]

    def run(self, row, model, threads, variant):
        return json.loads(check_output(self.command(model, self.flags(row, threads), variant), self.env))[row.phase][0]

    def first_token_command(self, model, threads, variant):
        flags = ["--prompt", "0", "--gen", "1", "--threads", str(threads), "--warm-up", "0"]
        return self.command(model, flags, variant)
