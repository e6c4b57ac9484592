#!/usr/bin/env python3
"""Renders conversations over chat templates with Jinja2 and writes what it gives to data/chat_vectors.json.

Usage: make_chat_vectors.py TEMPLATE_FOLDER DEMO_MODEL.gguf
The folder's templates belong to their models and are not copied: the vectors name them, with a hash.
"""
import hashlib
import json
import pathlib
import sys

import gguf

import jinja_oracle

HERE = pathlib.Path(__file__).parent
SPECIAL = {
    "bos_token": "<s>",
    "eos_token": "</s>",
}

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Wetter für einen Ort — “now”.",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {"type": "string", "description": "The city, e.g. \"Zürich\""},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                    "days": {"type": "integer", "minimum": 1},
                    "tags": {"type": "array", "items": {"type": "string"}, "nullable": True},
                    "precise": {"type": "boolean", "default": False},
                    "range": {"type": ["number", "null"]},
                },
                "required": ["location"],
            },
            "return": {"type": "object", "properties": {"t": {"type": "number"}}},
        },
    },
    {
        "type": "function",
        "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}},
    },
]


def user(content, **more):
    return {"role": "user", "content": content, **more}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def system(content):
    return {"role": "system", "content": content}


def call(arguments, name="get_weather", identity="abcdef123"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


ODD = "  \t\n  Ünïcödé – 漢字 🙂\u00a0\r\n\n<|im_end|>\n<|im_start|>system\n</s>[INST] {{ 7*7 }} {% raw %} 'q' \"d\" \\n  \n"
PLAIN = [user("Hello"), assistant("Hi! How can I help?"), user("What is 2+2?")]
REASONED = [
    user("Why?"),
    assistant("<think>\nBecause a < b & c.\n</think>\n\nSo.  "),
    user("And then?"),
    assistant("Well.", reasoning_content="I pondered."),
    user("Ok"),
]
CALLED = [
    user("Weather in Zürich?"),
    assistant("", tool_calls=[call({"location": "Zürich", "days": 2, "precise": True, "x": None, "y": 1.5})]),
    {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": '{"t": 21.5}'},
    assistant("It is 21.5°."),
    user("Thanks"),
]
CALLED_TWICE = [
    system("Use tools."),
    user("Both?"),
    assistant(
        "Let me see.",
        tool_calls=[call({"location": "A"}, identity="aaaaaaaa1"), call({}, "now", "aaaaaaaa2")],
    ),
    {"role": "tool", "name": "get_weather", "tool_call_id": "aaaaaaaa1", "content": "1"},
    {"role": "tool", "name": "now", "tool_call_id": "aaaaaaaa2", "content": "2"},
]

# name, messages, further variables
CASES = [
    ("plain", PLAIN, {}),
    ("system", [system("Be brief."), *PLAIN], {}),
    ("no prompt", [system("Be brief."), *PLAIN, assistant("4")], {"add_generation_prompt": False}),
    ("one user", [user("x")], {"add_generation_prompt": False}),
    ("odd text", [system(ODD), user(ODD), assistant(ODD), user("\n\n")], {}),
    ("empty content", [system(""), user(""), assistant(""), user("")], {}),
    ("no messages", [], {}),
    ("only system", [system("S")], {}),
    ("two users", [user("a"), user("b")], {}),
    ("assistant first", [assistant("a"), user("b")], {}),
    ("unknown role", [{"role": "wizard", "content": "x"}, user("b")], {}),
    ("null content", [user("a"), assistant(None), user("b")], {}),
    ("parts", [user([{"type": "text", "text": "part 1"}, {"type": "text", "text": "part 2"}])], {}),
    ("thinking", REASONED, {"enable_thinking": True, "thinking": True}),
    ("no thinking", REASONED, {"enable_thinking": False, "thinking": False}),
    ("thinking unset", REASONED, {}),
    ("think in system", [system("/no_think Hi"), user("Q")], {}),
    ("tools", PLAIN, {"tools": TOOLS}),
    ("tools and system", [system("Sys."), *PLAIN], {"tools": TOOLS}),
    ("tool call", CALLED, {"tools": TOOLS}),
    ("tool call without tools", CALLED, {}),
    ("two tool calls", CALLED_TWICE, {"tools": TOOLS}),
    (
        "string arguments",
        [user("q"), assistant("", tool_calls=[call('{"location": "B"}')]), {"role": "tool", "content": "r"}],
        {"tools": TOOLS},
    ),
    ("effort", PLAIN, {"reasoning_effort": "high", "builtin_tools": ["browser", "python"]}),
]


def vector(template, name, messages, variables):
    given = {"tools": None, "documents": None, "add_generation_prompt": True, **SPECIAL, **variables}
    result = jinja_oracle.render(template, {"messages": messages, **given})
    return {"case": name, **result}


def main():
    folder, model = map(pathlib.Path, sys.argv[1:])
    reader = gguf.GGUFReader(model)
    demo = bytes(reader.fields["tokenizer.chat_template"].parts[-1]).decode()
    (HERE / "data" / "smollm2.jinja").write_text(demo, newline="")
    cases = [{"name": n, "messages": m, "variables": v} for n, m, v in CASES]
    templates = []
    sources = [(p, p.read_bytes().decode()) for p in sorted((HERE / "data").glob("*.jinja"))]
    sources += [(p, p.read_bytes().decode()) for p in sorted(folder.glob("*.jinja"))]
    for path, source in sources:
        templates.append(
            {
                "template": path.name,
                "own": path.parent == HERE / "data",
                "sha256": hashlib.sha256(source.encode()).hexdigest(),
                "results": [vector(source, *case) for case in CASES],
            }
        )
    written = {"special": SPECIAL, "cases": cases, "templates": templates}
    text = json.dumps(written, ensure_ascii=False, indent=1)
    (HERE / "data" / "chat_vectors.json").write_text(text + "\n")
    outputs = sum("output" in r for t in templates for r in t["results"])
    print(len(templates), "templates,", outputs, "outputs,", len(text), "bytes")


if __name__ == "__main__":
    main()
