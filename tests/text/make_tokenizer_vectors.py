#!/usr/bin/env python3
"""Writes the smollm vectors: data/smollm_small.gguf (SmolLM2's vocabulary, cut) and data/smollm_vectors.json.

Usage: make_tokenizer_vectors.py SmolLM2-135M-Instruct.Q4_1.gguf
The ids come from Hugging Face tokenizers with the vocabulary and merges of the file and the pre-tokenizer that
SmolLM2 publishes: single digits, then GPT-2's words. Each text has the ids of the whole and the cut vocabulary.
"""
import json
import pathlib
import random
import sys

import gguf
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

DATA = pathlib.Path(__file__).parent / "data"
SMALL = 3000  # tokens

TEXTS = [
    "",
    " ",
    "  ",
    "a",
    "Hello, world!",
    "Hello  world \t\n\r\n  x",
    "I'm you're he'll we've they'd it's don't I'M YOU'RE",
    "The quick brown fox jumps over the lazy dog. " * 3,
    "1 12 123 1234567890 3.14 1,000 2² ½ ٣٤ ১২ Ⅻ 10x x10",
    "  leading and trailing  ",
    "\n\n\n\nmany\n\n newlines \n",
    "\ttabs\t\tinside\t",
    "def f(x):\n    return x ** 2  # comment\n\n\tif a != b: pass\n",
    "Ünïcödé naïve Straße İstanbul ǅ ŉ",
    "漢字かな交じり文 한국어 ภาษาไทย עברית العربية हिन्दी",
    "🙂👩‍👩‍👧‍👦🏳️‍🌈 emoji 🤷🏽‍♀️",
    "a\u00a0b\u2003c\u3000d\u200be\u180ef\ufefff",
    "e\u0301 combining a\u0308\u0323",
    "<|im_start|>user\nhi<|im_end|> <|endoftext|> </s>",
    "https://example.com/path?a=1&b=%20#frag user@example.org",
    "!!!???... --- *** ((( ))) \"'`~ $€£ ₿",
    "snake_case camelCase PascalCase kebab-case SCREAMING",
    "\x00\x01\x1b[0m\x7f\x80\x9f\u0378",
    "\U000e0001\U0010ffff\U00050000x\ue000",
    "x" * 300,
    " " * 100,
    "ab" * 200 + "\n" * 50,
]


def random_texts(count):
    r = random.Random(7)
    pools = [
        "abcdefghijklmnopqrstuvwxyz ",
        "etaoin shrdlu .,'\n",
        "0123456789 .-",
        "".join(map(chr, range(32, 127))),
        "".join(map(chr, range(0xA0, 0x250))),
        " \t\n\r\u00a0\u2009",
        "漢字仮名🙂é'sd ",
    ]
    texts = []
    for _ in range(count):
        text = "".join(r.choice(r.choice(pools)) for _ in range(r.randint(1, 60)))
        if r.random() < 0.5:
            pool = r.choice(pools)
            text += "".join(r.choice(pool) for _ in range(r.randint(1, 60)))
        texts.append(text)
    return texts


def strings(field):
    return [bytes(field.parts[i]).decode() for i in field.data]


def tokenizer_of(tokens, merges):
    vocabulary = {token: i for i, token in enumerate(tokens)}
    bpe = models.BPE(vocab=vocabulary, merges=[tuple(m.split(" ")) for m in merges])
    made = tokenizers.Tokenizer(bpe)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    made.decoder = decoders.ByteLevel()
    return made


def main():
    reader = gguf.GGUFReader(sys.argv[1])
    tokens = strings(reader.fields["tokenizer.ggml.tokens"])
    merges = strings(reader.fields["tokenizer.ggml.merges"])
    types = [int(reader.fields["tokenizer.ggml.token_type"].parts[i][0]) for i in reader.fields["tokenizer.ggml.token_type"].data]
    template = bytes(reader.fields["tokenizer.chat_template"].parts[-1]).decode()
    # A base character without a token is dropped, so all the file has are kept by taking its first tokens.
    small_tokens = tokens[:SMALL]
    kept = set(small_tokens)
    small_merges = [m for m in merges if set(m.split(" ")) <= kept and m.replace(" ", "") in kept]

    writer = gguf.GGUFWriter(DATA / "smollm_small.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(small_tokens)
    writer.add_token_types(types[:SMALL])
    writer.add_token_merges(small_merges)
    for name in ("bos", "eos", "unknown", "padding"):
        field = reader.fields.get(f"tokenizer.ggml.{name}_token_id")
        if field is not None:
            writer.add_uint32(f"tokenizer.ggml.{name}_token_id", int(field.parts[-1][0]))
    field = reader.fields.get("tokenizer.ggml.add_bos_token")
    if field is not None:
        writer.add_add_bos_token(bool(field.parts[-1][0]))
    writer.add_chat_template(template)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()

    full, small = tokenizer_of(tokens, merges), tokenizer_of(small_tokens, small_merges)
    vectors = []
    for text in TEXTS + random_texts(150):
        vectors.append({"text": text, "full": full.encode(text).ids, "small": small.encode(text).ids})
    lines = ",\n".join(json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in vectors)
    (DATA / "smollm_vectors.json").write_text(
        json.dumps({"tokenizers": tokenizers.__version__})[:-1] + ', "vectors": [\n' + lines + "\n]}\n"
    )
    print(len(vectors), "texts,", len(small_merges), "merges")


if __name__ == "__main__":
    main()
