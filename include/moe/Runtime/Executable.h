// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Something whose entries can be called: compiled code, or a plugin that
// evaluates the model.
#ifndef MOE_RUNTIME_EXECUTABLE_H
#define MOE_RUNTIME_EXECUTABLE_H

#include "moe/Runtime/ABI.h"
#include "moe/Runtime/Manifest.h"

#include <memory>
#include <string>

namespace moe::rt {

class Artefact;

/// What an executable computes on.
struct DeviceInfo {
  std::string name;
  /// Times are then those of a program that imitates the device.
  bool simulated = false;
};

/// Owns the state between calls (the KV caches). Not for use from two threads
/// at once; two executables may run side by side.
class Executable {
public:
  virtual ~Executable();

  /// Entries, shapes, memory.
  virtual const Description &description() const = 0;

  /// Calls `description().entries[entry]` with its arguments and then its
  /// results, whose memory the caller owns. Shapes must be within maxShape.
  /// Throws Error (checkFailed) when a check of the code fails.
  virtual void run(size_t entry, const moe_tensor *tensors) = 0;

  /// Makes the KV caches as they were at first.
  virtual void reset() = 0;

  /// What `run` computes on, and with how many threads of this process.
  virtual DeviceInfo device() const = 0;
  virtual int threads() const { return 1; }

  /// The index of the entry called `name`; throws Error (unsupported) naming
  /// the entries there are if there is none.
  size_t entryIndex(std::string_view name) const;
};

/// Runs an artefact whose target is the CPU with `threads` threads (0: one a
/// CPU) of its own. Throws Error (memory) when KV caches and arena do not fit.
std::unique_ptr<Executable> makeCompiledModel(Artefact artefact,
                                              int threads = 0);

/// Runs an artefact whose target is a GPU, on the first device of the CUDA
/// driver in `library`: "libcuda.so.1", or a path. Throws Error: unsupported
/// without a driver or a device that the code runs on, memory when weights,
/// KV caches, arena and tensors do not fit.
std::unique_ptr<Executable> makeDeviceModel(Artefact artefact,
                                            const std::string &library);

/// Opens `model` (a model directory or .mlir file) with the reference plugin
/// at `plugin`; `options` is a JSON object (see ReferencePlugin.h).
std::unique_ptr<Executable> openReferenceModel(const std::string &plugin,
                                               const std::string &model,
                                               const std::string &options);

} // namespace moe::rt

#endif // MOE_RUNTIME_EXECUTABLE_H
