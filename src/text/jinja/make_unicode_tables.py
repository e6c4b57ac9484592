#!/usr/bin/env python3
"""Writes unicode_tables.inc: case mappings and classes as Python's strings have them.

Usage: make_unicode_tables.py > unicode_tables.inc
A mapping is a list of runs {first, last, step, delta}: each step-th character of the run moves by delta.
"""
import sys
import unicodedata

ALL = [c for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF]


def table(declaration, items):
    print(f"constexpr {declaration}[] = {{")
    line = "   "
    for item in items:
        if len(line) + 1 + len(item) > 108:
            print(line)
            line = "   "
        line += " " + item
    print(line)
    print("};")


def mapping_runs(name, convert):
    runs, specials = [], []
    for c in ALL:
        mapped = convert(chr(c))
        if mapped == chr(c):
            continue
        if len(mapped) > 1:
            specials.append((c, mapped))
            continue
        delta = ord(mapped) - c
        last = runs[-1] if runs else None
        if last and last[3] == delta:
            step = c - last[1]
            if step <= 2 and (last[0] == last[1] or last[2] == step):
                last[1], last[2] = c, step
                continue
        runs.append([c, c, 1, delta])
    table(f"CaseRun k{name}Runs", ["{0x%X, 0x%X, %d, %d}," % tuple(run) for run in runs])
    items = []
    for c, mapped in specials:
        points = [ord(m) for m in mapped] + [0] * (3 - len(mapped))
        items.append("{0x%X, {0x%X, 0x%X, 0x%X}}," % (c, *points))
    table(f"CaseSpecial k{name}Specials", items)


def class_ranges(name, member):
    ranges = []
    for c in range(0x80, 0x110000):
        if not member(chr(c)):
            continue
        if ranges and ranges[-1][1] == c - 1:
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
    table(f"ClassRange k{name}", ["{0x%X, 0x%X}," % (first, last) for first, last in ranges])


def fold_if_not_lower(s):
    return s.casefold()


def cased(c):
    # A sigma after a cased letter is final.
    return (c + "\u03a3").lower()[-1] == "\u03c2"


def case_ignorable(c):
    # A sigma is final although this stands between it and a letter, and this is no letter itself.
    return ("a" + c + "\u03a3").lower()[-1] == "\u03c2" and not cased(c)


print(f"// Made by make_unicode_tables.py from Unicode {unicodedata.unidata_version}; beyond ASCII only.")
print("// clang-format off")
mapping_runs("Upper", str.upper)
mapping_runs("Lower", str.lower)
mapping_runs("Title", str.title)
mapping_runs("Fold", fold_if_not_lower)
class_ranges("Letter", str.isalpha)
class_ranges("Decimal", str.isdecimal)
class_ranges("Digit", str.isdigit)
class_ranges("Numeric", str.isnumeric)
class_ranges("UpperClass", lambda c: c.isupper())
class_ranges("LowerClass", lambda c: c.islower())
class_ranges("TitleClass", lambda c: unicodedata.category(c) == "Lt")
class_ranges("Printable", str.isprintable)
class_ranges("Cased", cased)
class_ranges("CaseIgnorable", case_ignorable)
