# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the entries of an .mlir file through libmoe-reference.so: include/moe/Runtime/ReferencePlugin.h."""

import ctypes
import json

from compiled import Tensor, make_results

Open = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p, ctypes.c_size_t)
Describe = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)
Run = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(Tensor), ctypes.c_char_p, ctypes.c_size_t)
Reset = Close = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Plugin(ctypes.Structure):
    """moe_reference_plugin."""

    _fields_ = [("version", ctypes.c_int32), ("open", Open), ("description", Describe), ("run", Run), ("reset", Reset),
                ("close", Close)]


class Evaluated:
    """A module under the reference evaluator; `call` is like Artefact's."""

    def __init__(self, library, path):
        self.plugin = Plugin.in_dll(ctypes.CDLL(str(library)), "moe_reference")
        self.model, self.error = ctypes.c_void_p(), ctypes.create_string_buffer(4096)
        self.check(self.plugin.open(str(path).encode(), b"{}", ctypes.byref(self.model), self.error, len(self.error)))
        self.entries = json.loads(self.plugin.description(self.model))["entries"]

    def call(self, entry, inputs):
        arrays, tensors = make_results(self.entries[entry], inputs)
        self.check(self.plugin.run(self.model, entry.encode(), tensors, self.error, len(self.error)))
        return arrays[len(inputs):]

    def close(self):
        self.plugin.close(self.model)

    def check(self, code):
        if code:
            raise RuntimeError(self.error.value.decode())
