#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts the test cases of JUnit reports by lit and ctest: prints `passed failed skipped`.

usage: count_results.py REPORT.xml...

A case that ctest did not run because something before it failed counts as failed, not as skipped.
"""

import collections
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is None:
        return "failed" if case.get("status") == "fail" else "passed"
    by_ctest = case.get("status") is not None
    asked_for = skipped.get("message", "").startswith(("SKIP_", "Disabled"))
    return "failed" if by_ctest and not asked_for else "skipped"


def main():
    counts = collections.Counter()
    for path in sys.argv[1:]:
        counts.update(outcome(case) for case in ElementTree.parse(path).iter("testcase"))
    print(counts["passed"], counts["failed"], counts["skipped"])


if __name__ == "__main__":
    main()
