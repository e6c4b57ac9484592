"""Float32 logits of llama.cpp for the same tokens and chunks as hf_reference.py.

usage: peer_logits.py --source LLAMA_SRC --lib FOLDER MODEL.gguf TOKENS.json OUT.npy [--ctx 512] [--kv f16|f32] [--ik]
"""
import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/peers"))
from hf_reference import load_tokens
from peer import Peer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True)
    parser.add_argument("--lib", required=True)
    parser.add_argument("--ik", action="store_true", help="the peer is ik_llama.cpp")
    parser.add_argument("model")
    parser.add_argument("tokens")
    parser.add_argument("out")
    parser.add_argument("--ctx", type=int, default=512)
    parser.add_argument("--kv", choices=["f16", "f32"], default="f16")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as build:
        peer = Peer("ik_llama.cpp" if args.ik else "llama.cpp", args.source, args.lib, build)
        peer.logits(args.model, load_tokens(args.tokens, args.ctx), args.out, args.ctx, args.kv, args.threads)


if __name__ == "__main__":
    main()
