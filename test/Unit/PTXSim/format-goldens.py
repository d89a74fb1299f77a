# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hashes of all conversions of FormatsTest.cpp as numpy and ml_dtypes give them."""
import ml_dtypes
import numpy as np


def fnv(values):
    h = np.uint64(0xCBF29CE484222325)
    with np.errstate(over="ignore"):
        for v in values.tolist():
            h = ((int(h) ^ v) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


FORMATS = [
    ("f16", np.float16, np.uint16, 0x7FFF),
    ("bf16", ml_dtypes.bfloat16, np.uint16, 0x7FFF),
    ("e4m3", ml_dtypes.float8_e4m3fn, np.uint8, 0x7F),
    ("e5m2", ml_dtypes.float8_e5m2, np.uint8, 0x7F),
]
high = np.arange(1 << 16, dtype=np.uint32) << 16
lows = [0x0000, 0x0001, 0x1000, 0x3000, 0x7FFF, 0x8000, 0x8001, 0xFFFF]
f32 = (high[:, None] | np.array(lows, np.uint32)[None, :]).reshape(-1).view(np.float32)
np.seterr(all="ignore")
for name, dtype, bits, nan in FORMATS:
    every = np.arange(np.iinfo(bits).max + 1, dtype=bits).view(dtype)
    wide = every.astype(np.float32)
    out = wide.view(np.uint32).copy()
    out[np.isnan(wide)] = 0x7FFFFFFF
    print(f"{name} decode {fnv(out):#x}")
    narrow = f32.astype(dtype)
    code = narrow.view(bits).astype(np.uint32)
    code[np.isnan(f32)] = nan
    if name == "e4m3":  # numbers past the largest become NaN in ml_dtypes too
        code[~np.isnan(f32) & np.isnan(narrow.astype(np.float32))] = 0x7F
        code[(f32.view(np.uint32) >> 31 == 1) & ~np.isnan(f32) & np.isnan(narrow.astype(np.float32))] = 0xFF
    print(f"{name} encode {fnv(code):#x}")
