# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls artefacts for a GPU through a CUDA driver, without the runtime: the one in the folder that MOE_SIM_FOLDER names."""

import ctypes
import os
import pathlib

import numpy as np

Launch = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p)
STATUS_BYTES = 64


class Driver:
    """One context; every call is checked."""

    def __init__(self):
        self.library = ctypes.CDLL(str(pathlib.Path(os.environ["MOE_SIM_FOLDER"]) / "libcuda.so.1"))
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self("cuInit", 0)
        self("cuDeviceGet", ctypes.byref(device), 0)
        self("cuCtxCreate_v2", ctypes.byref(context), 0, device)

    def __call__(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(code, ctypes.byref(text))
            raise RuntimeError(f"{name}: {text.value.decode()}")

    def upload(self, array):
        """A copy of the array; memory of its own even if it is empty."""
        address = ctypes.c_uint64()
        self("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(array.nbytes, 1)))
        if array.nbytes:
            self("cuMemcpyHtoD_v2", address, ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes))
        return address

    def download(self, address, array):
        if array.nbytes:
            self("cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), address, ctypes.c_size_t(array.nbytes))

    def free(self, address):
        self("cuMemFree_v2", address)


class DeviceCode:
    """The kernels of an artefact, and memory for its weights."""

    driver = None

    def __init__(self, directory, manifest, weights):
        if DeviceCode.driver is None:
            DeviceCode.driver = Driver()
        self.manifest = manifest
        self.weights = self.driver.upload(weights)
        modules = []
        for name in manifest["kernels"]["modules"]:
            module = ctypes.c_void_p()
            self.driver("cuModuleLoadData", ctypes.byref(module), (directory / f"{name}.ptx").read_bytes() + b"\0")
            modules.append(module)
        self.functions = []
        for kernel in manifest["kernels"]["list"]:
            function = ctypes.c_void_p()
            self.driver("cuModuleGetFunction", ctypes.byref(function), modules[kernel["module"]], kernel["name"].encode())
            self.functions.append(function)
        self.launch = Launch(self.enqueue)

    def enqueue(self, _context, number, blocks, parameters):
        kernel = self.manifest["kernels"]["list"][number]
        assert blocks > 0
        self.driver("cuLaunchKernel", self.functions[number], ctypes.c_uint(blocks), 1, 1, kernel["block"], 1, 1,
                    kernel["shared"], None, ctypes.c_void_p(parameters), None)

    def call(self, function, context, code, arrays, tensors):
        """Calls an entry on copies of the arrays, which then get what the copies have become."""
        driver = self.driver
        status = np.zeros(STATUS_BYTES // 8, np.int64)
        scratch = [np.full(self.manifest["memory"][key], 0xA5, np.uint8) for key in ("kv_bytes", "arena_bytes")]
        kv, arena, words, *copies = [driver.upload(array) for array in (*scratch, status, *arrays)]
        context.weights, context.kv, context.arena = self.weights.value, kv.value, arena.value
        context.launch, context.status = ctypes.cast(self.launch, ctypes.c_void_p), words.value
        for i, copy in enumerate(copies):
            tensors[i].data = copy.value
        failure = function(ctypes.byref(context), tensors)
        driver("cuCtxSynchronize")
        for array, copy in zip((status, *arrays), (words, *copies), strict=True):
            driver.download(copy, array)
        for address in (kv, arena, words, *copies):
            driver.free(address)
        if not failure and status[0]:
            describe = code.moe_device_failure
            describe.restype = ctypes.c_char_p
            failure = describe(ctypes.c_void_p(status.ctypes.data))
        return failure
