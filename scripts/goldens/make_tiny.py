"""Makes the tiny models in tests/golden/tiny and their reference logits.

usage: LLAMA_SRC=path/to/llama.cpp LLAMA_BIN=path/to/build/bin make_tiny.py OUT_FOLDER [NAME ...]

Each NAME gives NAME.gguf (random weights, exactly F16, a byte-level tokenizer trained on tests/golden/english.txt),
NAME.npy (float32 [positions, vocabulary], transformers on the same weights) and a row in tiny.json (tokens, file hash,
versions). Names ending in a quantized type come from llama-quantize; their reference has the dequantized weights, and
their row has llama.cpp's own divergence from it (f16 cache). The conversion is llama.cpp's own converter, so that names and metadata are those found in the wild.
Needs torch, transformers, tokenizers, accelerate, gguf, sentencepiece, pyyaml.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../../bench/peers"]
import divergence
import hf_reference
from peer import Peer

VOCABULARY = 272
POSITIONS = 48
TEXT = HERE + "/../../tests/golden/english.txt"


def llama(rope=None, **changes):
    import transformers

    rope = rope or {"rope_type": "default", "rope_theta": 10000.0}
    sizes = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, head_dim=32, rms_norm_eps=1e-5)
    return transformers.LlamaConfig(**{**COMMON, **sizes, "rope_parameters": rope, **changes})


def qwen2(**changes):
    import transformers

    sizes = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2,
                 num_key_value_heads=1, rms_norm_eps=1e-6)
    rope = {"rope_type": "default", "rope_theta": 1000000.0}
    return transformers.Qwen2Config(**{**COMMON, **sizes, "rope_parameters": rope, **changes})


def qwen3(**changes):
    import transformers

    sizes = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, head_dim=32, rms_norm_eps=1e-6)
    rope = {"rope_type": "default", "rope_theta": 1000000.0}
    return transformers.Qwen3Config(**{**COMMON, **sizes, "rope_parameters": rope, **changes})


COMMON = dict(vocab_size=VOCABULARY, max_position_embeddings=512, bos_token_id=0, eos_token_id=1, pad_token_id=2,
              tie_word_embeddings=False)
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=128)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=4.0)

# One block of 256 columns a row, so that every K-quant applies.
WIDE = dict(hidden_size=256, intermediate_size=256, num_hidden_layers=1, num_attention_heads=4,
            num_key_value_heads=1, head_dim=64, tie_word_embeddings=True)

MODELS = {
    "llama": lambda: llama(),
    "llama_rope_llama3": lambda: llama(LLAMA3),
    "llama_rope_yarn": lambda: llama(YARN),
    "llama_rope_linear": lambda: llama(LINEAR),
    "llama_bias": lambda: llama(attention_bias=True),
    "llama_tied": lambda: llama(tie_word_embeddings=True),
    "qwen2": lambda: qwen2(),
    "qwen2_tied": lambda: qwen2(tie_word_embeddings=True),
    "qwen3": lambda: qwen3(),
}

# Name: (its F16 model, the type).
QUANTIZED = {
    "llama_q8_0": (MODELS["llama"], "Q8_0"),
    "llama_q4_0": (MODELS["llama"], "Q4_0"),
    "llama_wide_q4_k": (lambda: llama(**WIDE), "Q4_K_M"),
    "llama_wide_q3_k": (lambda: llama(**WIDE), "Q3_K_M"),
}


def save_tokenizer(folder, vocabulary):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=["<bos>", "<eos>", "<pad>", "<|endoftext|>"],
                                  show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(open(TEXT).read().splitlines(), trainer)
    assert tokenizer.get_vocab_size() == vocabulary
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>",
                            pad_token="<pad>").save_pretrained(folder)


def randomize(model, seed):
    """Random weights that F16 holds exactly, with logits far from uniform; every bias and norm matters."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.dim() >= 2:
                gain = 3.0 if "embed" in name or "lm_head" in name else 1.4
                weight.copy_(noise * gain / weight.shape[-1] ** 0.5)
            elif "norm" in name:
                weight.copy_(1.0 + 0.2 * noise)
            else:
                weight.copy_(0.3 * noise)
            weight.copy_(weight.half().float())


def convert(folder, out, kind):
    """llama.cpp's converter; it knows tokenizers by hash, and ours is GPT-2's kind."""
    import conversion.base as base

    for value in list(vars(base).values()):
        if isinstance(value, type) and hasattr(value, "get_vocab_base_pre"):
            value.get_vocab_base_pre = lambda self, tokenizer: "gpt-2"
    sys.argv = ["convert", folder, "--outfile", out, "--outtype", kind]
    import convert_hf_to_gguf

    convert_hf_to_gguf.main()


def sha256(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


def make(config, seed, out, kind="f16"):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    randomize(model, seed)
    with tempfile.TemporaryDirectory() as parent:
        # The converter writes the folder's name into the file.
        folder = os.path.join(parent, os.path.splitext(os.path.basename(out))[0])
        model.save_pretrained(folder)
        save_tokenizer(folder, config.vocab_size)
        convert(folder, out, kind)
    return model


def make_quantized(config, kind, seed, out):
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, os.path.basename(out))
        make(config, seed, plain)
        subprocess.run([os.environ["LLAMA_BIN"] + "/llama-quantize", "--pure", plain, out, kind, "1"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return hf_reference.load_model(out)


def llama_cpp_divergence(file, tokens, reference):
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer("llama.cpp", os.environ["LLAMA_SRC"], os.environ["LLAMA_BIN"], folder)
        return divergence.compare(reference, peer.logits(file, tokens, None, len(tokens), "f16", 1))


def random_tokens(seed, count):
    return [int(t) for t in np.random.default_rng(seed).integers(4, VOCABULARY, count)]


def versions():
    import gguf
    import torch
    import transformers

    return {"torch": torch.__version__, "transformers": transformers.__version__,
            "gguf": getattr(gguf, "__version__", "")}


def main():
    out, names = sys.argv[1], sys.argv[2:] or [*MODELS, *QUANTIZED]
    # First, since the converter goes with the gguf package beside it.
    sys.path[:0] = [os.environ["LLAMA_SRC"], os.environ["LLAMA_SRC"] + "/gguf-py"]
    os.makedirs(out, exist_ok=True)
    index = f"{out}/tiny.json"
    rows = json.load(open(index)) if os.path.exists(index) else {"models": {}}
    rows["made_by"] = "scripts/goldens/make_tiny.py"
    rows["versions"] = versions()
    for seed, name in enumerate([*MODELS, *QUANTIZED], start=1):
        if name not in names:
            continue
        file = f"{out}/{name}.gguf"
        if name in MODELS:
            model = make(MODELS[name](), seed, file)
        else:
            model = make_quantized(QUANTIZED[name][0](), QUANTIZED[name][1], seed, file)
        tokens = random_tokens(seed, POSITIONS)
        logits = hf_reference.logits_of(model, tokens, POSITIONS)
        np.save(f"{out}/{name}.npy", logits)
        rows["models"][name] = {"file": f"{name}.gguf", "sha256": sha256(file), "logits": f"{name}.npy",
                                "tokens": tokens}
        if name in QUANTIZED:
            rows["models"][name]["llama_cpp"] = llama_cpp_divergence(file, tokens, logits)
    hf_reference.dump(rows, index)


if __name__ == "__main__":
    main()
