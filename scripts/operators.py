#!/usr/bin/env python3
"""docs/operators.md: which ONNX operators Sinter has, from `sinter operators` and what the ONNX project's test suite gave.

usage: operators.py [--ops PAGE | --record SUITE] [BUILD]

BUILD (build/release) has bin/sinter. Without options: the page, on stdout, after a check of the types that the rows state: those
of the dialect's op of that name in docs/ops.md, for which PAGE may stand, or what passed in the suite. With --record: runs all
cases below the folder SUITE (the unpacked test data of ONNX 1.22: node, pytorch-converted, pytorch-operator, simple) and writes
docs/operators.json, from which the page takes the backends and the results."""
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


# What the program and the dialect say.


def supported_operators(build):
    """What `sinter operators` prints: {"opsets": .., "operators": [..]}."""
    printed = run_json(build / "bin/sinter", "operators", "--format", "json")
    if not printed:
        sys.exit(f"operators.py: {build}/bin/sinter gave no operators: build it first")
    return printed


def operand_types(ops_page):
    """The types of the first operand of every op of the dialect, as docs/ops.md has them."""
    types = {}
    for section in re.split(r"^### ", ops_page.read_text(), flags=re.MULTILINE)[1:]:
        name = re.search(r"sinter::nn::(\w+)Op", section)
        first = re.search(r"#### Operands:.*?\| `\w+` \| (?:variadic of )?tensor of (.*?) values", section, re.DOTALL)
        if name and first:
            types[name[1].lower()] = TYPES[first[1].strip()]
    return types


def members(types):
    """The single types that a row's words stand for."""
    return {part for word in types.split(", ") for part in {"floats": FLOATS, "integers": INTEGERS}.get(word, [word])}


def check_types(operators, of_dialect, recorded):
    """Compares rows with the dialect's op of the same name, and with what passed in the suite."""
    wrong = []
    for row in operators:
        stated = members(row["types"])
        op = row["name"].replace("Normalization", "Norm").lower()
        if not row["domain"] and op in of_dialect:
            of_op = members(", ".join(of_dialect[op]))
            if stated != of_op:
                wrong.append(f"{row['name']}: its row has {row['types']}, the op of the dialect takes {', '.join(of_dialect[op])}")
        elif not row["domain"]:
            passed = set(recorded.get(row["name"], {}).get("types", []))
            if extra := (passed & {*FLOATS, *INTEGERS, "bool"}) - stated:
                wrong.append(f"{row['name']}: {', '.join(sorted(extra))} passed in the suite and is not in its row")
    if wrong:
        sys.exit("operators.py: rows of ir/onnx that are not true:\n" + "\n".join(wrong))


# What the suite says.


def run_json(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return None


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
    operators = {}
    for case, report in zip(tested["cases"], reports):
        for row in (report or {}).get("operators", []):
            entry = operators.setdefault(row["name"], {"passed": 0, "failed": 0, "skipped": 0,
                                                       "llvm": [0, 0], "onednn": [0, 0], "types": []})
            entry[case["status"]] += 1
            if case["status"] == "passed" and len(report["operators"]) == 1 and report["inputs"]:
                entry["types"] = sorted({*entry["types"], report["inputs"][0]["type"]})
            for backend in ("llvm", "onednn"):
                if row[backend] is not None and row["supported"]:
                    entry[backend][0] += row[backend]
                    entry[backend][1] += row["nodes"]
    totals = {key: tested[key] for key in ("passed", "failed", "skipped")}
    lines = [f'  {json.dumps(name)}: {json.dumps(operators[name])}' for name in sorted(operators)]
    RECORD.write_text('{\n "totals": ' + json.dumps(totals) + ',\n "operators": {\n' + ",\n".join(lines) + "\n }\n}\n")


def share(pair):
    taken, whole = pair
    return "-" if not whole else "yes" if taken == whole else "no" if not taken else "partly"


def page(ops_page, build):
    recorded = json.loads(RECORD.read_text())
    printed, totals = supported_operators(build), recorded["totals"]
    oldest, newest = printed["opsets"]["oldest"], printed["opsets"]["newest"]
    check_types(printed["operators"], operand_types(ops_page), recorded["operators"])

    def results(entry):
        parts = [f"{entry[key]} {key}" for key in ("passed", "failed", "skipped") if entry[key]]
        return ", ".join(parts) or "-"

    def full_name(row):
        return f"{row['domain']}.{row['name']}" if row["domain"] else row["name"]

    print("# ONNX operators")
    print()
    print("Generated by scripts/update-docs.sh. Operators, versions, types and limits are what `sinter operators` prints; backends and")
    print("results come from docs/operators.json, which `scripts/operators.py --record SUITE` writes: SUITE is the unpacked test data of")
    print(f"ONNX 1.22 (node, pytorch-converted, pytorch-operator, simple), of which {totals['passed']} cases passed, "
          f"{totals['failed']} failed and {totals['skipped']} were skipped.")
    print()
    print("`sinter inspect MODEL` answers the same for one model. Types are those of the first operand: what the dialect's op of that")
    print("name takes or, where an operator becomes several ops, what passed in the suite (\"floats\": f16, bf16, f32, f64; \"integers\":")
    print("signed and unsigned of 8 to 64 bits). Limits are what an operator needs or does not take. A backend takes an operator where")
    print("it took all that its nodes in the suite become, \"partly\" where it took some; the reference evaluates all. The results count")
    print("the cases whose model holds the operator: a case of several operators is one of each. Versions are those of the operator's")
    print("domain.")
    print()
    print(f"## {len(printed['operators'])} supported")
    print()
    print("| operator | versions | types | llvm | onednn | suite | limits |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    none = {"passed": 0, "failed": 0, "skipped": 0, "llvm": [0, 0], "onednn": [0, 0], "types": []}
    for row in sorted(printed["operators"], key=full_name):
        entry = recorded["operators"].get(full_name(row), none)
        versions = f"{row['since']} on" if row["domain"] else f"{max(row['since'], oldest)}-{newest}"
        print(f"| {full_name(row)} | {versions} | {row['types']} | {share(entry['llvm'])} | "
              f"{share(entry['onednn'])} | {results(entry)} | {row['limits'] or '-'} |")
    missing = sorted(set(recorded["operators"]) - {full_name(row) for row in printed["operators"]})
    print()
    print(f"## {len(missing)} in the suite that are not supported")
    print()
    print("| operator | suite |")
    print("| --- | --- |")
    for name in missing:
        print(f"| {name} | {results(recorded['operators'][name])} |")


def main():
    arguments = sys.argv[1:]
    option, value = (arguments.pop(0), arguments.pop(0)) if len(arguments) > 1 and arguments[0].startswith("--") else ("", "")
    if len(arguments) > 1 or option not in {"", "--ops", "--record"}:
        sys.exit(__doc__)
    build = pathlib.Path(arguments[0]) if arguments else ROOT / "build/release"
    if option == "--record":
        record(pathlib.Path(value), build)
    else:
        page(pathlib.Path(value) if value else ROOT / "docs/ops.md", build)


main()
