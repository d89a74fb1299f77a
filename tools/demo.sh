#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# From a model directory to text: installs what is missing, builds, compiles the demo model ahead of
# time and generates from it. Options are passed on to moe-run, e.g. tools/demo.sh -n 400 --seed=7.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Compiler results are shared between checkouts, wherever they lie.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

model=test/Models/moe-demo-9m
out=build-release/demo
bin=build-release/bin

tools/install-deps.sh
cmake --preset release -DMOE_BUILD_TESTS=OFF >/dev/null
cmake --build --preset release --target moe-compile moe-run moe-opt

echo "== moe-compile $model"
rm -rf "$out"
mkdir -p "$out"
"$bin/moe-compile" "$model" -o "$out/moe-demo-9m" --dump-phases-to="$out/phases" --report

echo
echo "== moe-run $out/moe-demo-9m"
"$bin/moe-run" "$out/moe-demo-9m" --bos --prompt=$'HAMLET.\nTo be, or not to be' -n 200 \
  --temperature=0.7 --top-k=40 --seed=1 "$@"

cat <<END

artefact  $out/moe-demo-9m  ($(du -sh "$out/moe-demo-9m" | cut -f1))
IR dumps  $out/phases
$(find "$out/phases" -type f | sort | sed 's/^/          /')
again     $bin/moe-run $out/moe-demo-9m --bos --prompt='Genesis 1' -n 200 --temperature=0.7 --top-k=40
END
