#!/usr/bin/env python3
"""Writes data/jinja_vectors.json: small templates, hand-written and random, with what Jinja2 makes of them.

Usage: make_jinja_vectors.py [COUNT [SEED]]   writes the vectors that are committed
       make_jinja_vectors.py --stream COUNT SEED   prints JSON lines {"t", "v", ...} to compare offline
"""
import copy
import json
import pathlib
import random
import re
import sys

import jinja_oracle

VARIABLES = {
    "n": 7,
    "m": -3,
    "z": 0,
    "f": 2.5,
    "g": -0.125,
    "big": 1e20,
    "t": True,
    "no": False,
    "nil": None,
    "s": "Hello World",
    "p": "  pad\t\n",
    "u": "Straße İ ΑΣ ǆ 漢🙂",
    "q": "it's \"q\"\\\n",
    "e": "",
    "num": " 42 ",
    "csv": "a,b,,c",
    "xs": [3, 1, 2],
    "ss": ["b", "A", "c", "a"],
    "mix": [1, "1", None, True, 2.0, [], {}],
    "nested": [[1, 2], [3, [4]], []],
    "d": {"a": 1, "b": [1, 2], "items": "shadow", "name": "dict"},
    "ds": [{"k": 2, "v": "x"}, {"k": 1, "v": "Y"}, {"k": 2, "v": "z"}, {"v": None}],
    "ed": {},
}

HAND_WRITTEN = [
    line
    for line in (pathlib.Path(__file__).parent / "data" / "jinja_cases.txt").read_text().split("\n====\n")
    if line
]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.loops = 0

    def pick(self, *options):
        return self.random.choice(options)

    def name(self):
        return self.random.choice([*VARIABLES, "undefined_one"])

    def string(self):
        return repr(self.pick("", "a", "l", " ", ",", "o W", "ab", "%s", "{}", "Hello", "\n", "é", "x1", "A", "%5.2f|%d"))

    def literal(self):
        r = self.random
        return self.pick(
            str(r.randint(-3, 12)),
            self.string(),
            self.pick("1.5", "0.1", "1e3", "100.0", "1_000", "0x1F", "2.675"),
            self.pick("true", "false", "none", "True", "None"),
            "[]",
            "{}",
            "()",
        )

    def expression(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.15:
            return self.pick(self.literal, self.name, self.name)()
        kind = r.choices(
            ["binary", "compare", "logic", "unary", "filter", "test", "item", "slice", "method", "cond", "list",
             "dict", "call", "attr", "concat"],
            [10, 8, 6, 4, 22, 9, 7, 6, 16, 4, 4, 2, 3, 5, 4],
        )[0]
        sub = lambda: self.expression(depth - 1)
        if kind == "binary":
            return f"{sub()} {self.pick('+', '-', '*', '/', '//', '%', '**', '+', '-')} {sub()}"
        if kind == "compare":
            op = self.pick("==", "!=", "<", "<=", ">", ">=", "in", "not in")
            tail = f" {self.pick('<', '==')} {sub()}" if r.random() < 0.15 else ""
            return f"({sub()} {op} {sub()}{tail})"
        if kind == "logic":
            return f"({sub()} {self.pick('and', 'or')} {sub()})"
        if kind == "unary":
            return f"({self.pick('not ', '-', '+', 'not ')}{sub()})"
        if kind == "filter":
            return f"{self.operand(depth)}|{self.filter(depth)}"
        if kind == "test":
            return f"({self.operand(depth)} is {self.pick('', '', 'not ')}{self.test(depth)})"
        if kind == "item":
            return f"{self.operand(depth)}[{sub()}]"
        if kind == "slice":
            part = lambda: self.pick("", "", str(r.randint(-4, 5)))
            step = self.pick("", "", ":", ":-1", ":2", ":-2")
            return f"{self.operand(depth)}[{part()}:{part()}{step}]"
        if kind == "method":
            return f"{self.operand(depth)}.{self.method(depth)}"
        if kind == "cond":
            otherwise = f" else {sub()}" if r.random() < 0.8 else ""
            return f"({sub()} if {sub()}{otherwise})"
        if kind == "list":
            return self.pick("[%s]", "(%s,)") % ", ".join(sub() for _ in range(r.randint(1, 3)))
        if kind == "dict":
            return "{%s}" % ", ".join(f"{self.pick(self.string(), '1', 'n')}: {sub()}" for _ in range(r.randint(1, 2)))
        if kind == "call":
            return self.pick(
                f"range({r.randint(-2, 6)})",
                f"range({r.randint(0, 3)}, {r.randint(0, 9)}, {self.pick('1', '2', '-1')})",
                f"dict(a={sub()}, b=1)",
                f"namespace(x={sub()}).x",
            )
        if kind == "attr":
            return f"{self.operand(depth)}.{self.pick('a', 'b', 'items', 'k', 'missing', 'name', '0')}"
        return f"({sub()} ~ {sub()})"

    def operand(self, depth):
        return f"({self.expression(depth - 1)})" if self.random.random() < 0.5 else self.name()

    def filter(self, depth):
        r = self.random
        s, i = self.string, lambda: str(r.randint(-2, 6))
        return self.pick(
            "abs", "capitalize", "default", f"default({s()})", f"default({s()}, true)", "dictsort", "escape", "first",
            "float", "float(1.5)", f"indent({r.randint(0, 4)})", f"indent({r.randint(0, 4)}, true)", "indent(2, blank=true)",
            "int", "int(5)", "int(0, 16)", "items|list", "join", f"join({s()})", "last", "length", "list", "lower",
            "map('upper')|list", "map(attribute='k')|list", "map('int')|join('-')", "map(attribute='v', default='D')|list",
            "max", "min", "reject('none')|list", "reject('odd')|list", f"replace({s()}, {s()})", f"replace('l', 'L', {i()})",
            "reverse", "reverse|list", "round", f"round({i()})", "round(1, 'floor')", "round(0, 'ceil')", "safe",
            "select|list", "select('string')|list", "select('gt', 1)|list", "selectattr('k')|list",
            "selectattr('k', 'equalto', 2)|list", "rejectattr('k', 'defined')|list", "sort", "sort(reverse=true)",
            "sort(attribute='k')", "sort(attribute='k,v')", "sort(case_sensitive=true)", "string", "sum", "sum(attribute='k')",
            "title", "tojson", "tojson(indent=2)", "tojson(ensure_ascii=true)", "tojson(separators=(',', ':'))",
            "tojson(sort_keys=true)", "trim", f"trim({s()})", "truncate(5)", "truncate(6, true, '..', 0)", "unique|list",
            "upper", "urlencode", "wordcount", "batch(2)|list", "batch(2, 'f')|list", "slice(2)|list", "slice(3, 'f')|list",
            "groupby('k')", "groupby('k', default=0)|list", "count", "center(15)", f"format({s()}, {i()})", "format(1.5)",
            "attr('a')", "d('x')", "format(n)", "format(1, 2)", "string|length", "select('mapping')|list",
            "dictsort(by='value')", "dictsort(reverse=true)", "max(attribute='k')", "min(case_sensitive=true)",
        )

    def test(self, depth):
        return self.pick(
            "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence",
            "iterable", "callable", "true", "false", "odd", "even", "divisibleby 3", "divisibleby(2)", "eq 7", "ne 7",
            "gt 2", "lt(2.5)", "ge 3", "le 3", "in xs", "in 'abc'", "sameas none", "sameas true", "lower", "upper",
            "equalto 's'", "filter", "test", "escaped",
        )

    def method(self, depth):
        s = self.string
        i = lambda: str(self.random.randint(-3, 5))
        return self.pick(
            "upper()", "lower()", "title()", "capitalize()", "swapcase()", "strip()", "lstrip()", "rstrip()",
            f"strip({s()})", f"lstrip({s()})", f"rstrip({s()})", "split()", f"split({s()})", f"split({s()}, 1)",
            "split(None, 1)", "rsplit()", f"rsplit({s()}, 1)", "rsplit(none, 1)", f"split(',', maxsplit=1)", "splitlines()",
            "splitlines(true)", f"startswith({s()})", f"endswith({s()})", "startswith(('a', 'H'))", f"replace({s()}, {s()})",
            f"replace({s()}, {s()}, 1)", f"find({s()})", f"rfind({s()})", f"find({s()}, {i()}, {i()})", f"count({s()})",
            f"index({s()})", f"join({self.pick('ss', 'csv', 'xs', 's')})", f"partition({s()})", f"rpartition({s()})",
            "zfill(6)", "center(9, '*')", "ljust(8)", "rjust(8, '.')", "isdigit()", "isalpha()", "isalnum()", "isspace()",
            "isupper()", "islower()", "istitle()", "isnumeric()", "isdecimal()", "isidentifier()", "isascii()", "isprintable()",
            f"removeprefix({s()})", f"removesuffix({s()})", "expandtabs(4)", "casefold()", f"format({s()}, {i()})",
            "format(n, x=1)", "items()", "keys()|list", "values()|list", "items()|list", f"get({s()})", f"get('a', {i()})",
            "get('b')", "copy()", "append(1)", "pop()", f"count({i()})", "index(1)", "update({})", "upper",
        )

    def statement(self, depth):
        r = self.random
        block = lambda: self.block(depth - 1)
        dash = lambda: self.pick("", "", "-", "", "+")
        open_tag = lambda body: "{%" + dash() + f" {body} " + self.pick("", "", "-") + "%}"
        kind = r.choices(["text", "output", "if", "for", "set", "setblock", "macro", "with", "filter", "comment", "call"],
                         [6, 10, 4, 5, 4, 1, 1, 1, 1, 1, 1])[0]
        if depth <= 0 or kind in ("text", "output"):
            if kind == "text" or r.random() < 0.2:
                return self.pick("a", " ", "\n", "  \n", "\t", "\n\n  x", " b ", "\r\n", "ü", "{", "}", "%")
            if r.random() < 0.3:
                name = self.pick("loop.index", "loop.first", "loop.last", "loop.length", "loop.revindex0",
                                 "loop.previtem", "loop.nextitem", "loop.cycle('o', 'e')", "loop.changed(i)", "i", "x", "y")
                return "{{" + self.pick("", "-") + " " + name + " " + self.pick("", "-") + "}}"
            return "{{" + self.pick("", "-") + " " + self.expression(2) + " " + self.pick("", "-") + "}}"
        if kind == "if":
            text = open_tag(f"if {self.expression(2)}") + block()
            if r.random() < 0.3:
                text += open_tag(f"elif {self.expression(2)}") + block()
            if r.random() < 0.6:
                text += open_tag("else") + block()
            return text + open_tag("endif")
        if kind == "for":
            over = self.pick("xs", "ss", "ds", "nested", "d", "s", "range(3)", "[]", "d.items()", self.expression(1))
            target = self.pick("i", "i", "i", "i, x")
            condition = self.pick("", "", f" if {self.expression(1)}", " if i")
            self.loops += 1
            body = block()
            if r.random() < 0.25:
                body += open_tag(f"if {self.pick('loop.index > 1', 'i', self.expression(1))}")
                body += open_tag(self.pick("break", "continue")) + open_tag("endif") + block()
            self.loops -= 1
            otherwise = open_tag("else") + block() if r.random() < 0.3 else ""
            return open_tag(f"for {target} in {over}{condition}") + body + otherwise + open_tag("endfor")
        if kind == "set":
            return open_tag(f"set {self.pick('x', 'y', 'i', 'x, y', 'w')} = {self.expression(2)}")
        if kind == "setblock":
            return open_tag(f"set {self.pick('x', 'y')}{self.pick('', ' | upper', ' | trim')}") + block() + open_tag("endset")
        if kind == "macro":
            body = open_tag("macro f(x, y=n, z='d')") + block() + self.pick("", "{{ varargs }}", "{{ kwargs }}")
            return body + open_tag("endmacro") + self.pick("{{ f(1) }}", "{{ f(1, y=2) }}", "{{ f(s, 2, 3, 4) }}", "{{ f(q=1) }}")
        if kind == "with":
            return open_tag(f"with x = {self.expression(1)}, y = x") + block() + open_tag("endwith")
        if kind == "filter":
            return open_tag(f"filter {self.pick('upper', 'trim', 'indent(2)', 'replace(n, m)')}") + block() + open_tag("endfilter")
        if kind == "call":
            macro = "{% macro w(x) %}<{{ caller(x) }}{{ x }}>{% endmacro %}"
            return macro + open_tag("call(y) w(3)") + block() + open_tag("endcall")
        return "{#" + dash() + self.pick(" note ", " {{ n }} ", "\n") + self.pick("", "-") + "#}"

    def block(self, depth):
        return "".join(self.statement(depth) for _ in range(self.random.randint(1, 3)))

    def template(self):
        if self.random.random() < 0.65:
            return "{{ " + self.expression(self.random.randint(1, 4)) + " }}"
        return self.block(3)


def comparable(template, result):
    """False where the text shows addresses, or numbers or names that no other implementation repeats."""
    text = result.get("output", result.get("error", ""))
    if re.search(r"0x[0-9a-f]{6,}|<(built-in|bound|function|Macro|class|generator|dict_|filter|map|jinja2|Loop|list_)", text):
        return False
    if re.search(r"\d{19,}", text) or "Overflow" in text or "Exceeds the limit" in text or "MemoryError" in text:
        return False
    # Jinja folds constants by other rules than it runs by.
    if re.search(r"\[-?\d*:", template) and "Undefined" not in text and "error" not in result and re.search(
        r"(true|True|none|None|\d|\))\)?\[-?\d*:", template
    ):
        return False
    if "escape" in template or "big|int" in template or "Markup" in text:
        return False
    return "dict_items" not in text and "complex" not in text and "bytes" not in text and len(text) < 4000


def vectors(count, seed):
    generator = Generator(seed)
    made = 0
    while made < count:
        template = generator.template()
        if len(template) > 600:
            continue
        result = jinja_oracle.render(template, copy.deepcopy(VARIABLES))
        if not comparable(template, result):
            continue
        made += 1
        yield {"template": template, **result}


def main():
    if sys.argv[1:2] == ["--stream"]:
        for vector in vectors(int(sys.argv[2]), int(sys.argv[3])):
            print(json.dumps({"t": vector["template"], "v": VARIABLES, **vector}))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 700
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    made = [{"template": t, **jinja_oracle.render(t, copy.deepcopy(VARIABLES))} for t in HAND_WRITTEN]
    made += [v for v in vectors(3 * count, seed)]
    # Most random templates that fail do so for dull reasons: keep few of them.
    hand, rest = made[: len(HAND_WRITTEN)], made[len(HAND_WRITTEN):]
    failing = [v for v in rest if "error" in v][: count // 5]
    working = [v for v in rest if "error" not in v][: count - len(failing)]
    lines = ",\n".join(json.dumps(v, ensure_ascii=False) for v in hand + working + failing)
    head = json.dumps(VARIABLES, ensure_ascii=False)
    path = pathlib.Path(__file__).parent / "data" / "jinja_vectors.json"
    path.write_text('{"variables": ' + head + ',\n"vectors": [\n' + lines + "\n]}\n")
    print(len(hand), "hand-written,", len(working), "random,", len(failing), "failing;", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
