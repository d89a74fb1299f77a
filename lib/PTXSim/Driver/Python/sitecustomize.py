# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes Triton's NVIDIA backend take the simulated device, in programs that `moe-sim run` starts.

PyTorch without a GPU has tensors of the CPU only. Kernels get them as they are: for the time of a launch their
memory is registered with the driver, and the launch is over when the call returns, as code that reads a tensor of
the CPU expects. Scripts that ask Triton for the device of their tensors need no change:

    DEVICE = triton.runtime.driver.active.get_active_torch_device()
"""

import ctypes
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

HOOKED = "triton.backends.nvidia.driver"
ALREADY_REGISTERED = 712


def load_next_sitecustomize():
    """This file stands in front of the environment's own."""
    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


class Driver:
    """The few functions of the driver interface that are needed here."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")

    def check(self, result):
        if result:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(result, ctypes.byref(text))
            raise RuntimeError(f"CUDA driver: {text.value.decode() if text.value else result}")

    def register(self, address, size):
        """Whether it is registered now and was not before."""
        kind = ctypes.c_uint()
        known = self.library.cuPointerGetAttribute(ctypes.byref(kind), 2, ctypes.c_uint64(address)) == 0
        if known:
            return False
        result = self.library.cuMemHostRegister_v2(ctypes.c_void_p(address), ctypes.c_size_t(size), 0)
        if result != ALREADY_REGISTERED:
            self.check(result)
        return result == 0

    def unregister(self, address):
        self.check(self.library.cuMemHostUnregister(ctypes.c_void_p(address)))

    def synchronize(self, stream):
        self.check(self.library.cuStreamSynchronize(ctypes.c_void_p(stream)))

    def capability(self):
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.check(self.library.cuInit(0))
        self.check(self.library.cuDeviceComputeCapability(ctypes.byref(major), ctypes.byref(minor), 0))
        return major.value, minor.value


def memory_of(value):
    """(address, bytes) of the tensors among the arguments of a launch."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from memory_of(item)
    elif hasattr(value, "untyped_storage"):
        storage = value.untyped_storage()
        if storage.nbytes():
            yield storage.data_ptr(), storage.nbytes()
    elif hasattr(value, "data_ptr") and hasattr(value, "nbytes"):
        if value.nbytes:
            yield value.data_ptr(), value.nbytes
    elif hasattr(value, "base") and hasattr(value, "strides"):
        yield from memory_of(value.base)


def visible_to_kernels(launch, driver):
    """`launch` with the memory of its arguments registered while it runs."""

    def launch_on_simulator(grid_x, grid_y, grid_z, stream, *arguments):
        registered = [address for address, size in set(memory_of(arguments)) if driver.register(address, size)]
        try:
            launch(grid_x, grid_y, grid_z, stream, *arguments)
            driver.synchronize(stream)
        finally:
            for address in registered:
                driver.unregister(address)

    return launch_on_simulator


def take_simulator(module):
    import torch

    if torch.cuda.is_available():
        return
    driver = Driver()

    class Launcher(module.CudaLauncher):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.launch = visible_to_kernels(self.launch, driver)

    def initialize(self):
        self.utils = module.CudaUtils()
        self.launcher_cls = Launcher
        self.get_device_capability = lambda device=0: driver.capability()
        self.get_current_stream = lambda device=0: 0
        self.get_current_device = lambda: 0
        self.set_current_device = lambda device: None

    module.CudaDriver.__init__ = initialize
    module.CudaDriver.is_active = staticmethod(lambda: True)
    module.CudaDriver.get_active_torch_device = lambda self: torch.device("cpu")


class Loader(importlib.abc.Loader):
    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        take_simulator(module)


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != HOOKED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec:
            spec.loader = Loader(spec.loader)
        return spec


def name_triton_ptxas():
    """The ptxas of Triton's wheel is what the wrapper of moe-sim runs, unless another is named."""
    spec = importlib.util.find_spec("triton")
    if spec and spec.origin and "MOE_SIM_PTXAS" not in os.environ:
        ptxas = os.path.join(os.path.dirname(spec.origin), "backends", "nvidia", "bin", "ptxas")
        if os.access(ptxas, os.X_OK):
            os.environ["MOE_SIM_PTXAS"] = ptxas


load_next_sitecustomize()
if os.environ.get("MOE_SIM_RUN"):
    sys.meta_path.insert(0, Finder())
    name_triton_ptxas()
