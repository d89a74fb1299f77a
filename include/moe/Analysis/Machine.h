// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Machines as a roofline sees them.
#ifndef MOE_ANALYSIS_MACHINE_H
#define MOE_ANALYSIS_MACHINE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::moe {

/// Peaks of a machine: memory bandwidth and arithmetic with weights of a type.
struct Machine {
  std::string name;
  /// 10^9 bytes a second.
  double bandwidthGBs = 0.0;
  /// 10^9 operations a second; a fused multiply-add is two.
  double f32GFlops = 0.0;
  double bf16GFlops = 0.0;

  /// Seconds that `bytes` and `flops` take at least, each by itself.
  double getMemorySeconds(double bytes) const {
    return bytes / (bandwidthGBs * 1e9);
  }
  double getComputeSeconds(double flops, bool isBF16) const {
    return flops / ((isBF16 ? bf16GFlops : f32GFlops) * 1e9);
  }

  /// The machine of a name in the table; of `BANDWIDTH:F32[:BF16]`, its three
  /// numbers; or of a JSON file with the keys `name`, `bandwidth_gbs`,
  /// `f32_gflops` and `bf16_gflops`. Without a number for bf16 that of f32
  /// counts. Errors name the file and the key, or list the names.
  static llvm::Expected<Machine> parse(llvm::StringRef text);
};

/// The machines known by name.
llvm::ArrayRef<Machine> getKnownMachines();

} // namespace mlir::moe

#endif // MOE_ANALYSIS_MACHINE_H
