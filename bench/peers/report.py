"""The tables of bench/compare and their place in docs/performance.md: one part per group, each between its own markers,
so that a run replaces only what it measured."""
import os
import re
import statistics
import textwrap

BEGIN, END = "<!-- bench/compare: begin -->", "<!-- bench/compare: end -->"
TITLE = "## CPU only, the whole table (`bench/compare`)"


def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(titles, rows):
    return [f"| {' | '.join(cells)} |" for cells in [titles, ["---"] * len(titles), *rows]]


def without_folders(argument):
    """Absolute paths of the machine's keep their last name only."""
    return re.sub(r"(?<![\w.])/(?:[^/\s=]+/)*(?=[^/\s])", "", argument.rstrip("/"))


def settings(variants):
    """(('--fa', '0', '--repack', '1'), ...) as '`--fa 0 --repack 1`, ...'"""
    return ", ".join(f"`{' '.join(v)}`" for v in variants if v)


class Part:
    """What is written of one group: rows, trial runs, failures, as far as they are known."""

    def __init__(self, title, preface, command):
        self.title, self.preface, self.command = title, preface, command
        self.titles, self.rows = [], []
        self.trial_titles, self.trials = [], []
        self.failures = {}  # (engine, reason): {row: [variant]}
        self.unfinished = ""

    def failed(self, engine, variant, row, reason):
        self.failures.setdefault((engine, reason), {}).setdefault(row, []).append(variant)

    def notes(self):
        for (engine, reason), rows in self.failures.items():
            # Rows with the same variants left out share a line.
            shared = {}
            for row, variants in rows.items():
                shared.setdefault(settings(dict.fromkeys(variants)), []).append(row)
            for variants, names in shared.items():
                yield f"- {engine}{' ' if variants else ''}{variants}: {reason} ({'; '.join(names)})"

    def lines(self):
        lines = [f"### {self.title}", "", *textwrap.wrap(self.preface, 120), "", f"    {self.command}", ""]
        if self.unfinished:
            lines += [self.unfinished, ""]
        lines += table(self.titles, self.rows)
        if self.trials:
            lines += ["", "Trial runs, one of each variant, not part of the medians, tokens/s:", "",
                      *table(self.trial_titles, self.trials)]
        notes = list(self.notes())
        return lines + (["", "Left out:", "", *notes] if notes else [])


class Section:
    """The parts in docs/performance.md, in the order of `groups`."""

    def __init__(self, path, groups, keep):
        """keep: parts of groups that are not measured now stay as they are."""
        self.path, self.groups = path, groups
        text = open(path).read() if os.path.exists(path) else "# Performance\n"
        if BEGIN not in text:
            text += f"\n{TITLE}\n\n{BEGIN}\n{END}\n"
        self.head, rest = text.split(BEGIN)
        inside, self.tail = rest.split(END)
        self.parts = {}
        for group in groups if keep else []:
            begin, end = self.markers(group)
            if begin in inside:
                self.parts[group] = inside.split(begin)[1].split(end)[0].strip("\n")

    @staticmethod
    def markers(group):
        return f"<!-- bench/compare {group}: begin -->", f"<!-- bench/compare {group}: end -->"

    def put(self, group, lines):
        self.parts[group] = "\n".join(lines)
        text = self.head + BEGIN + "\n"
        for name in self.groups:
            if name in self.parts:
                begin, end = self.markers(name)
                text += f"\n{begin}\n\n{self.parts[name]}\n\n{end}\n"
        with open(self.path + ".new", "w") as f:
            f.write(text + "\n" + END + self.tail)
        os.replace(self.path + ".new", self.path)
