"""Float32 logits of Hugging Face transformers, the reference that Yoke is measured against.

usage: hf_reference.py MODEL TOKENS.json OUT.npy [--ctx 512] [--config FOLDER]
       hf_reference.py MODEL --tokenize TEXT TOKENS.json [--ctx 512]

MODEL is a GGUF file that transformers reads itself, or a folder with safetensors. The ids are cut into chunks of
--ctx that know nothing of each other, as `yoke perplexity --tokens` does; an incomplete last chunk is dropped.
OUT is float32 [positions, vocabulary]. --config takes the configuration from a Hugging Face folder, the weights from
MODEL: transformers knows no rope factors in GGUF files. Needs torch, transformers, accelerate and gguf.
"""
import argparse
import json
import os
import re

import numpy as np


def dump(value, path):
    """JSON that people can read: indented, lists of numbers on one line."""
    text = json.dumps(value, indent=1)
    text = re.sub(r"\[[\d\s,]+\]", lambda m: re.sub(r"\s+", " ", m.group()), text)
    with open(path, "w") as out:
        out.write(text + "\n")


def source_of(path):
    """from_pretrained's arguments for a GGUF file or a folder."""
    if os.path.isdir(path):
        return {"pretrained_model_name_or_path": path}
    folder, name = os.path.split(os.path.abspath(path))
    return {"pretrained_model_name_or_path": folder, "gguf_file": name}


def load_tokens(path, ctx):
    tokens = json.load(open(path))["tokens"]
    return tokens[: len(tokens) // ctx * ctx]


def logits_of(model, tokens, ctx):
    import torch

    rows = []
    with torch.no_grad():
        for start in range(0, len(tokens), ctx):
            chunk = torch.tensor([tokens[start : start + ctx]])
            rows.append(model(chunk).logits[0].float().numpy())
    return np.concatenate(rows)


def load_model(path, config=None):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    how = {"dtype": torch.float32, "attn_implementation": "eager"}
    model = AutoModelForCausalLM.from_pretrained(**source_of(path), **how)
    if config:
        weights = model.state_dict()
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(config), **how)
        model.load_state_dict(weights)
    return model.eval()


def tokenize(path, text, out, ctx):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(**source_of(path))
    ids = tokenizer(open(text).read().removesuffix("\n"), add_special_tokens=False)["input_ids"]
    json.dump({"tokens": ids[: len(ids) // ctx * ctx]}, open(out, "w"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("tokens")
    parser.add_argument("out")
    parser.add_argument("--ctx", type=int, default=512)
    parser.add_argument("--config")
    parser.add_argument("--tokenize", action="store_true")
    args = parser.parse_args()
    if args.tokenize:
        tokenize(args.model, args.tokens, args.out, args.ctx)
    else:
        model, tokens = load_model(args.model, args.config), load_tokens(args.tokens, args.ctx)
        np.save(args.out, logits_of(model, tokens, args.ctx))


if __name__ == "__main__":
    main()
