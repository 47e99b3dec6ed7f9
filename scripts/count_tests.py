#!/usr/bin/python3
"""Counts what a ctest run ran, from its JUnit file: a GoogleTest or lit program counts as the tests inside it.

usage: count_tests.py JUNIT.xml     prints "N passed, N failed, N skipped" """

import re
import sys
import xml.etree.ElementTree as ET


def last_number(pattern, text):
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


def count(case):
    """(passed, failed, skipped) of one ctest test."""
    text = case.findtext("system-out") or ""
    status = case.get("status")
    if re.search(r"^\[==========\] \d+ tests? from .* ran", text, re.MULTILINE):
        counts = tuple(last_number(rf"^\[  {word} *\] (\d+) test", text) for word in ("PASSED", "FAILED", "SKIPPED"))
    elif re.search(r"^Total Discovered Tests: \d+", text, re.MULTILINE):
        passed = last_number(r"^ *(?:Passed|Expectedly Failed) *: *(\d+)", text)
        failed = sum(last_number(rf"^ *{word} *: *(\d+)", text) for word in ("Failed", "Unresolved", "Timed Out", "Unexpectedly Passed"))
        counts = (passed, failed, last_number(r"^ *(?:Unsupported|Skipped) *: *(\d+)", text))
    else:
        counts = (int(status == "run"), int(status == "fail"), int(status in ("notrun", "disabled")))
    passed, failed, skipped = counts
    # A program that died says nothing of its failure, so ctest's word counts too.
    return passed, max(failed, int(status == "fail")), skipped


def main():
    totals = [sum(column) for column in zip(*(count(c) for c in ET.parse(sys.argv[1]).getroot().iter("testcase")))]
    print("{} passed, {} failed, {} skipped".format(*(totals or [0, 1, 0])))


if __name__ == "__main__":
    main()
