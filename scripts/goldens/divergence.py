"""How far one logits file is from another: mean and 99th percentile of KL(reference || other), top-1 agreement.

usage: divergence.py REFERENCE.npy OTHER.npy [--tokens TOKENS.json --ctx 512]

With --tokens the perplexities of both are added, over the second half of each chunk, as `yoke perplexity` scores.
"""
import argparse
import json

import numpy as np


def log_softmax(rows):
    rows = rows.astype(np.float64)
    rows -= rows.max(-1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(-1, keepdims=True))


def kl_rows(reference, other, step=256):
    """KL per position and whether the most likely token agrees; a few rows at a time, since files are large."""
    kl, same = [], []
    for i in range(0, len(reference), step):
        p, q = log_softmax(reference[i : i + step]), log_softmax(other[i : i + step])
        kl.append((np.exp(p) * (p - q)).sum(-1))
        same.append(p.argmax(-1) == q.argmax(-1))
    return np.concatenate(kl), np.concatenate(same)


def compare(reference, other):
    kl, same = kl_rows(reference, other)
    return {"positions": len(kl), "mean_kl": float(kl.mean()), "p99_kl": float(np.quantile(kl, 0.99)),
            "top1": float(same.mean())}


def perplexity(logits, tokens, ctx):
    loss = []
    for start in range(0, len(logits), ctx):
        rows = np.arange(start + ctx // 2, start + ctx - 1)
        loss.append(-log_softmax(logits[rows])[np.arange(len(rows)), np.array(tokens)[rows + 1]])
    return float(np.exp(np.concatenate(loss).mean()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference")
    parser.add_argument("other")
    parser.add_argument("--tokens")
    parser.add_argument("--ctx", type=int, default=512)
    args = parser.parse_args()
    reference, other = np.load(args.reference, mmap_mode="r"), np.load(args.other, mmap_mode="r")
    result = compare(reference, other)
    if args.tokens:
        tokens = json.load(open(args.tokens))["tokens"]
        result["reference_perplexity"] = perplexity(reference, tokens, args.ctx)
        result["perplexity"] = perplexity(other, tokens, args.ctx)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
