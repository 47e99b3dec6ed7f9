#!/usr/bin/env python3
"""docs/operators.md: which ONNX operators Sinter has, from the importers in ir/onnx, the types in docs/ops.md and what the
ONNX project's test suite gave.

usage: operators.py [--ops PAGE | --record SUITE [BUILD]]

Without arguments: the page, on stdout; --ops PAGE stands for docs/ops.md. With --record: runs all cases below the folder
SUITE (the unpacked test data of ONNX 1.22: node, pytorch-converted, pytorch-operator, simple) with BUILD/bin/sinter
(build/release) and writes docs/operators.json, from which the page takes the backends and the results. The first opset of an
operator comes from python3-onnx, or is the oldest that the suite uses it at."""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs/operators.json"
SUITES = ("node", "pytorch-converted", "pytorch-operator", "simple")
FLOATS = ["f16", "bf16", "f32", "f64"]
INTEGERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
# What docs/ops.md calls a set of types, and the set.
TYPES = {
    "f16, bf16, f32 or f64": FLOATS,
    "32-bit float": ["f32"],
    "number": FLOATS + INTEGERS,
    "number or bool": FLOATS + INTEGERS + ["bool", "f8, f4, 4 and 2 bits"],
    "integer": INTEGERS,
    "unsigned integer": INTEGERS[4:],
    "1-bit signless integer": ["bool"],
    "32-bit signless integer or 64-bit signless integer": ["i32", "i64"],
    "64-bit signless integer": ["i64"],
    "8-bit signless integer or 8-bit unsigned integer": ["i8", "u8"],
    "8-bit signless integer or 16-bit signless integer": ["i8", "i16"],
    "8-bit signless integer or 16-bit signless integer or 8-bit unsigned integer or 16-bit unsigned integer": ["i8", "i16", "u8", "u16"],
    "32-bit signless integer": ["i32"],
}


# What the sources say.


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def functions(text):
    """The functions of a source by name, each with its text; a name with several overloads has all of them."""
    found = {}
    for match in re.finditer(r"^(?:template[^\n]*\n)?[A-Za-z][^\n;={}]*?\b(\w+)\([^;{}]*\)[^;{}()]*\{.*?^\}", text,
                             re.MULTILINE | re.DOTALL):
        found[match[1]] = found.get(match[1], "") + match[0]
    return found


def reach(name, known, depth=3):
    """A function's text with that of the functions of its file that it calls."""
    seen, texts, open_names = {name}, [], [name]
    for _ in range(depth):
        called = []
        for current in open_names:
            texts.append(known[current])
            called += [n for n in re.findall(r"\b(\w+)\b", known[current]) if n in known and n not in seen]
            seen.update(called)
        open_names = list(dict.fromkeys(called))
    return "\n".join(texts)


def messages(text):
    """Why an importer refuses: its literals, with ".." for what is put together at run time."""
    for call in re.findall(r"unsupported\(((?:[^()\"]|\"(?:[^\"\\]|\\.)*\"|\([^()]*\))*)\)", text):
        parts = re.findall(r"\"((?:[^\"\\]|\\.)*)\"", call)
        if parts:
            yield "..".join(parts).strip().replace("|", "/")


def importers():
    """Every supported operator with the op of the dialect that its name stands for, if there is one, and its restrictions."""
    operators = {}
    for path in sorted((ROOT / "ir/onnx").glob("*.cpp")):
        text = without_comments(path.read_text())
        known = functions(text)
        for name, target in re.findall(r"\.add\(\"([\w.]+)\",\s*([^;]*?)\);", text):
            function = re.match(r"\w*", target)[0]
            body = reach(function, known) if function in known else ""
            op = re.search(r"<(\w+)Op>", target)
            operators[name] = {"op": (op[1] if op else name.replace("Normalization", "Norm")).lower(),
                               "restrictions": list(dict.fromkeys(messages(body)))}
    return operators


def operand_types(ops_page):
    """The types of the first operand of every op of the dialect, as docs/ops.md has them."""
    types = {}
    for section in re.split(r"^### ", ops_page.read_text(), flags=re.MULTILINE)[1:]:
        name = re.search(r"sinter::nn::(\w+)Op", section)
        first = re.search(r"#### Operands:.*?\| `\w+` \| (?:variadic of )?tensor of (.*?) values", section, re.DOTALL)
        if name and first:
            types[name[1].lower()] = TYPES[first[1].strip()]
    return types


def types_of(op, types, tested):
    """Those of the dialect's op of that name, or those that the suite tested."""
    text = ", ".join(types.get(op, tested))
    return text.replace(", ".join(FLOATS), "floats").replace(", ".join(INTEGERS), "integers") or "-"


# What the suite says.


def run_json(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return None


def first_opsets():
    try:
        import onnx.defs
    except ImportError:
        sys.exit("operators.py: --record needs python3-onnx")
    first = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            first[schema.name] = min(schema.since_version, first.get(schema.name, 999))
    return first


def record(suite, build):
    sinter = build / "bin/sinter"
    folders = [suite / name for name in SUITES if (suite / name).is_dir()]
    tested = run_json(sinter, "test", *folders, "--format", "json")
    if not tested:
        sys.exit(f"operators.py: {sinter} gave no results for {suite}")
    paths = {}
    for folder in folders:
        for model in folder.rglob("model.onnx"):
            paths[str(model.parent.relative_to(folder))] = model
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        reports = list(pool.map(lambda case: run_json(sinter, "inspect", paths[case["name"]], "--format", "json"),
                                tested["cases"]))
    first, operators = first_opsets(), {}
    for case, report in zip(tested["cases"], reports):
        for row in (report or {}).get("operators", []):
            entry = operators.setdefault(row["name"], {"since": first.get(row["name"]), "passed": 0, "failed": 0,
                                                       "skipped": 0, "llvm": [0, 0], "onednn": [0, 0], "types": [],
                                                       "oldest": 999})
            entry[case["status"]] += 1
            if case["status"] == "passed" and len(report["operators"]) == 1 and report["inputs"]:
                entry["types"] = sorted({*entry["types"], report["inputs"][0]["type"]})
            entry["oldest"] = min(entry["oldest"], report["opsets"].get("ai.onnx", 999))
            for backend in ("llvm", "onednn"):
                if row[backend] is not None and row["supported"]:
                    entry[backend][0] += row[backend]
                    entry[backend][1] += row["nodes"]
    for entry in operators.values():
        oldest = entry.pop("oldest")
        entry["since"] = entry["since"] or oldest
    totals = {key: tested[key] for key in ("passed", "failed", "skipped")}
    lines = [f'  {json.dumps(name)}: {json.dumps(operators[name])}' for name in sorted(operators)]
    RECORD.write_text('{\n "totals": ' + json.dumps(totals) + ',\n "operators": {\n' + ",\n".join(lines) + "\n }\n}\n")


def share(pair):
    taken, whole = pair
    return "-" if not whole else "yes" if taken == whole else "no" if not taken else "partly"


def page(ops_page):
    recorded = json.loads(RECORD.read_text())
    text = "".join(path.read_text() for path in sorted((ROOT / "ir/onnx").glob("*.cpp")))
    oldest, newest = (int(re.search(rf"{name} = (\d+)", text)[1]) for name in ("oldestOpset", "newestOpset"))
    types, supported, totals = operand_types(ops_page), importers(), recorded["totals"]

    def results(entry):
        parts = [f"{entry[key]} {key}" for key in ("passed", "failed", "skipped") if entry[key]]
        return ", ".join(parts) or "-"

    print("# ONNX operators")
    print()
    print("Generated by scripts/update-docs.sh. Operators come from ir/onnx, types and restrictions from the sources, backends and")
    print("results from docs/operators.json, which `scripts/operators.py --record SUITE` writes: SUITE holds the unpacked test data of")
    print(f"ONNX 1.22 (node, pytorch-converted, pytorch-operator, simple), of which {totals['passed']} cases passed, "
          f"{totals['failed']} failed and {totals['skipped']} were skipped.")
    print()
    print("`sinter inspect MODEL` answers the same for one model. Types are those of the first operand: what the dialect's op of that")
    print("name takes or, where an operator becomes several ops, what passed in the suite (\"floats\": f16, bf16, f32, f64; \"integers\":")
    print("signed and unsigned of 8 to 64 bits). A backend takes an operator where it took all")
    print("that its nodes in the suite become, \"partly\" where it took some of them; the reference evaluates all. The results count the")
    print("cases whose model holds the operator: a case of several operators is one of each. Opsets are those of the default domain.")
    print()
    print(f"## {len(supported)} supported")
    print()
    print("| operator | opsets | types | llvm | onednn | suite | refused |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    none = {"since": None, "passed": 0, "failed": 0, "skipped": 0, "llvm": [0, 0], "onednn": [0, 0], "types": []}
    for name in sorted(supported):
        entry = recorded["operators"].get(name, none)
        opsets = "-" if "." in name else f"{max(entry['since'] or oldest, oldest)}-{newest}"
        print(f"| {name} | {opsets} | {types_of(supported[name]['op'], types, entry['types'])} | {share(entry['llvm'])} | "
              f"{share(entry['onednn'])} | {results(entry)} | {'; '.join(supported[name]['restrictions']) or '-'} |")
    missing = sorted(set(recorded["operators"]) - set(supported))
    print()
    print(f"## {len(missing)} in the suite that are not supported")
    print()
    print("| operator | since opset | suite |")
    print("| --- | --- | --- |")
    for name in missing:
        entry = recorded["operators"][name]
        print(f"| {name} | {'-' if '.' in name else entry['since']} | {results(entry)} |")


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--record"] and len(arguments) in (2, 3):
        record(pathlib.Path(arguments[1]), pathlib.Path(arguments[2]) if len(arguments) == 3 else ROOT / "build/release")
    elif not arguments or (arguments[0] == "--ops" and len(arguments) == 2):
        page(pathlib.Path(arguments[1]) if arguments else ROOT / "docs/ops.md")
    else:
        sys.exit(__doc__)


main()
