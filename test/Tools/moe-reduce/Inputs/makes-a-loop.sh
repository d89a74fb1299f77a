#!/bin/sh
# Interesting (1) if some region of experts becomes a loop since it mixes rows.
# The pass must run through: a program that breaks in another way is not what is looked for.
if moe-opt "$1" --pass-pipeline='builtin.module(func.func(moe-sort-tokens))' --remarks-filter=moe-sort-tokens -o /dev/null 2>&1 |
  grep -q "does not fit: it mixes rows"; then
  exit 1
fi
exit 0
