#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Everything that must hold: formatting, lint, build, unit tests, the lit suite (every moe-opt under
# --verify-roundtrip), numbers against transformers, and the runtime under sanitizers and fuzzers.
# Ends with `N passed, N failed`. --quick leaves out clang-tidy, the sanitizers and the fuzzers.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
# Compiler results are shared between checkouts, wherever they lie.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

quick=no
case "${1:-}" in
  --quick) quick=yes ;;
  "") ;;
  *) echo "usage: tools/check.sh [--quick]" >&2; exit 2 ;;
esac

jobs=$(nproc)
reports=build-release/reports
passed=0 failed=0 skipped=0
failures=()

heading() { echo; echo "== $1 ($SECONDS s)"; }

finish() {
  echo
  for name in "${failures[@]}"; do
    echo "failed: $name"
  done
  if ((skipped)); then
    echo "$passed passed, $failed failed, $skipped skipped"
  else
    echo "$passed passed, $failed failed"
  fi
  exit $((failed > 0))
}

fail() {
  failed=$((failed + 1))
  failures+=("$1")
}

# check NAME COMMAND...: one check, by its exit status.
check() {
  local name=$1
  shift
  heading "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    fail "$name"
    return 1
  fi
}

# suite NAME REPORT COMMAND...: as many checks as the JUnit report has test cases. A runner that fails
# without a failed case counts as one.
suite() {
  local name=$1 report=$2 status=0 p=0 f=0 s=0
  shift 2
  heading "$name"
  rm -f "$report"
  "$@" || status=$?
  if [[ -s $report ]]; then
    read -r p f s < <("$python" tools/count_results.py "$report")
  elif ((!status)); then
    echo "$report was not written"
    status=1
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  echo "$name: $p passed, $f failed, $s skipped"
  if ((f)); then
    failures+=("$name ($f)")
  elif ((status)); then
    fail "$name"
  fi
}

format() {
  find include lib tools test \( -name '*.cpp' -o -name '*.h' -o -name '*.c' \) -print0 |
    xargs -0 clang-format-22 --dry-run -Werror
}

lint_python() { .venv/bin/ruff check --quiet; }

tidy() {
  run-clang-tidy-22 -quiet -j "$jobs" -p build-asan 'lib/Runtime/.*\.cpp' >"$reports/tidy.txt" 2>&1 &&
    ! grep -E 'warning:|error:' "$reports/tidy.txt"
}

build() {
  cmake --preset "$1" >"$reports/configure-$1.txt" && cmake --build --preset "$1"
}

# unit PRESET REPORT: what ctest says, less the lines of the tests that passed.
unit() {
  local status=0
  ctest --preset "$1" -j "$jobs" --output-junit "$PWD/$reports/$2" >"$reports/$2.log" 2>&1 || status=$?
  grep -vE 'Start +[0-9]+:|Passed +[0-9.]+ sec|^$' "$reports/$2.log"
  return "$status"
}

lit() { "$python" /usr/lib/llvm-22/bin/lit -sv --xunit-xml-output="$reports/$1" build-release/test; }

mkdir -p "$reports"
check "dependencies" tools/install-deps.sh --checks || finish
python=.venv/bin/python3
[[ -x $python ]] || python=python3

check "clang-format" format
if [[ -x .venv/bin/ruff ]]; then
  check "ruff" lint_python
else
  skipped=$((skipped + 1))
fi

if check "build" build release; then
  suite "lit" "$reports/lit.xml" lit lit.xml
  suite "unit tests and numbers" "$reports/ctest.xml" unit release ctest.xml
fi

if [[ $quick == no ]] && check "build with sanitizers" build asan; then
  suite "sanitizers and fuzzers" "$reports/asan.xml" unit asan asan.xml
  check "clang-tidy on the runtime" tidy
fi
finish
