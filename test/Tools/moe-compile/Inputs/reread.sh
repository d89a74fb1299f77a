# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# reread.sh "MOE_OPT [OPTION...]" MOE_COMPILE MODEL DUMPS: each dump is a fixed point of moe-opt and equal to --compile-to's output.
set -euo pipefail
for file in "$4"/*.mlir; do
  phase=$(basename "$file" .mlir)
  $1 "$file" | diff -q - <(cat "$file") >/dev/null || { echo "moe-opt prints $phase differently"; exit 1; }
  "$2" "$3" --compile-to="${phase#*-}" | diff -q - "$file" || { echo "--compile-to differs in $phase"; exit 1; }
done
