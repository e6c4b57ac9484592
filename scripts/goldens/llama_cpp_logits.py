"""Float32 logits of llama.cpp (PyPI's llama-cpp-python), for the same tokens and chunks as hf_reference.py.

usage: llama_cpp_logits.py MODEL.gguf TOKENS.json OUT.npy [--ctx 512] [--kv f16|f32] [--threads 2]
"""
import argparse

import numpy as np

from hf_reference import load_tokens

GGML_TYPE = {"f32": 0, "f16": 1}


def logits_of(path, tokens, ctx, kv="f16", threads=2):
    from llama_cpp import Llama

    model = Llama(path, n_ctx=ctx, n_batch=ctx, n_ubatch=ctx, logits_all=True, n_threads=threads,
                  n_threads_batch=threads, type_k=GGML_TYPE[kv], type_v=GGML_TYPE[kv], verbose=False)
    rows = []
    for start in range(0, len(tokens), ctx):
        model.reset()
        model.eval(tokens[start : start + ctx])
        rows.append(np.array(model.scores[: model.n_tokens], dtype=np.float32))
    return np.concatenate(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("tokens")
    parser.add_argument("out")
    parser.add_argument("--ctx", type=int, default=512)
    parser.add_argument("--kv", choices=GGML_TYPE, default="f16")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    tokens = load_tokens(args.tokens, args.ctx)
    np.save(args.out, logits_of(args.model, tokens, args.ctx, args.kv, args.threads))


if __name__ == "__main__":
    main()
