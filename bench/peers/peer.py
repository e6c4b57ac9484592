"""Compiles the drivers beside this file against a peer that the caller built, and refuses a crippled peer.

A peer is named by two folders: its source (headers) and the one where its shared libraries lie.
"""
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
VNNI = re.compile(r"vpdpbusds? .*zmm")


class Peer:
    def __init__(self, kind, source, libraries, build):
        """kind: 'llama.cpp' or 'ik_llama.cpp'; build: a folder for the drivers."""
        self.kind, self.source, self.libraries = kind, os.path.abspath(source), os.path.abspath(libraries)
        self.build = os.path.join(build, kind)
        os.makedirs(self.build, exist_ok=True)

    def shared_libraries(self):
        found = {}
        for folder, _, names in os.walk(self.libraries):
            for name in names:
                if re.fullmatch(r"lib(llama|ggml)[\w-]*\.so", name):
                    found[name] = os.path.join(folder, name)
        if "libllama.so" not in found:
            raise SystemExit(f"compare: looking for {self.kind}: no libllama.so under {self.libraries}")
        return found

    def check_vnni(self):
        """A peer built without AVX-512 VNNI on a CPU that has it would be an unfair opponent."""
        if "avx512_vnni" not in open("/proc/cpuinfo").read():
            return
        for path in self.shared_libraries().values():
            dump = subprocess.Popen(["objdump", "-d", "--no-show-raw-insn", path], stdout=subprocess.PIPE, text=True)
            has = any(VNNI.search(line) for line in dump.stdout)
            dump.kill()
            dump.wait()
            if has:
                return
        raise SystemExit(f"compare: checking {self.kind}: its libraries have no 512-bit vpdpbusd, this CPU does "
                         "(build it with -DGGML_NATIVE=ON)")

    def driver(self, name):
        """The path of a driver, compiled if it is older than its source."""
        source, program = f"{HERE}/{name}.cc", f"{self.build}/{name}"
        if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
            return program
        libraries = self.shared_libraries()
        command = ["g++", "-O2", "-std=c++17", f"-I{self.source}/include", f"-I{self.source}/ggml/include", source,
                   "-o", program]
        if self.kind == "ik_llama.cpp":
            command.append("-DPEER_IK")
        folders = {os.path.dirname(path) for path in libraries.values()}
        for folder in sorted(folders):
            command += [f"-L{folder}", f"-Wl,-rpath,{folder}"]
        command += [f"-l{name[3:-3]}" for name in sorted(libraries, reverse=True)
                    if name in ("libllama.so", "libggml.so", "libggml-base.so")]
        subprocess.run(command, check=True)
        return program

    def logits(self, model, tokens, out, ctx=512, cache="f16", threads=2):
        """float32 [positions, vocabulary] of the whole chunks of `tokens`; out: a file to keep them in."""
        import numpy as np

        with open(f"{self.build}/tokens.txt", "w") as f:
            f.write(" ".join(map(str, tokens)))
        raw = f"{self.build}/logits.f32"
        subprocess.run([self.driver("peer_logits"), model, f.name, raw, str(ctx), cache, str(threads)], check=True)
        positions = len(tokens) // ctx * ctx
        rows = np.fromfile(raw, dtype=np.float32).reshape(positions, -1)
        os.remove(raw)
        if out:
            np.save(out, rows)
        return rows
