# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the code of an artefact through include/moe/Runtime/ABI.h, without the runtime: that of a CPU, or of a GPU."""

import ctypes
import json
import math

import numpy as np
from device import DeviceCode

Kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Tensor(ctypes.Structure):
    """moe_tensor of include/moe/Runtime/ABI.h."""

    _fields_ = [("data", ctypes.c_void_p), ("shape", ctypes.c_int64 * 8)]


class Context(ctypes.Structure):
    """moe_context of include/moe/Runtime/ABI.h."""


ParallelFor = ctypes.CFUNCTYPE(
    None, ctypes.POINTER(Context), ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
Pointers = ("weights", "kv", "arena", "runtime", "launch", "status")
Context._fields_ = [("parallel_for", ParallelFor), *((name, ctypes.c_void_p) for name in Pointers)]


@ParallelFor
def run_whole(context, kernel, captures, units, grain):
    Kernel(kernel)(captures, 0, units)


@ParallelFor
def run_split(context, kernel, captures, units, grain):
    """Many ranges, last one first. Shorter ones than the grain allows, so that small tensors are split too."""
    size = max(units // 5, 1)
    for begin in reversed(range(0, units, size)):
        Kernel(kernel)(captures, begin, min(begin + size, units))


def aligned(size):
    buffer = np.full(size + 64, 0xA5, dtype=np.uint8)  # scratch means nothing before it is written
    return buffer[-buffer.ctypes.data % 64:][:size]


def make_results(description, inputs):
    """The inputs and memory for the results of an entry, as arrays and as what the entry is called with."""
    arrays = [np.ascontiguousarray(array) for array in inputs]
    dtypes = {"f32": np.float32, "bf16": np.uint16, "i32": np.int32, "i64": np.int64}
    for result in description["results"]:
        shape = [inputs[0].shape[0] if extent < 0 else extent for extent in result["shape"]]
        dtype = np.dtype(dtypes[result["dtype"]])
        garbage = np.full(math.prod(shape) * dtype.itemsize, 0xA5, dtype=np.uint8)
        arrays.append(garbage.view(dtype).reshape(shape))
    tensors = (Tensor * max(len(arrays), 1))(
        *(Tensor(array.ctypes.data, (ctypes.c_int64 * 8)(*array.shape)) for array in arrays))
    return arrays, tensors


class Artefact:
    def __init__(self, directory):
        self.manifest = json.loads((directory / "manifest.json").read_text())
        self.code = ctypes.CDLL(str(directory / "code.so"))
        self.weights = aligned((directory / "weights.bin").stat().st_size)
        self.weights[:] = np.fromfile(directory / "weights.bin", dtype=np.uint8)
        self.device = None
        if self.manifest["target"]["kind"] == "cuda":
            self.device = DeviceCode(directory, self.manifest, self.weights)

    def call(self, entry, inputs, parallel_for):
        """Results of the shapes that the manifest gives; an extent that it leaves open is as large as that of the
        first input."""
        description = self.manifest["entries"][entry]
        arrays, tensors = make_results(description, inputs)
        function = getattr(self.code, description["symbol"])
        function.restype = ctypes.c_char_p
        if self.device:
            failure = self.device.call(function, Context(), self.code, arrays, tensors)
        else:
            arena = aligned(self.manifest["memory"]["arena_bytes"])
            context = Context(parallel_for, self.weights.ctypes.data, None, arena.ctypes.data)
            failure = function(ctypes.byref(context), tensors)
        if failure:
            raise RuntimeError(failure.decode())
        return arrays[len(inputs):]
