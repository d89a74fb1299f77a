// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attribute names by which entries (public functions) carry what the artefact's
// manifest says about them, and the order of a materialised entry's arguments.
#ifndef MOE_DIALECT_MOE_TRANSFORMS_ENTRYCONVENTIONS_H
#define MOE_DIALECT_MOE_TRANSFORMS_ENTRYCONVENTIONS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::moe {

/// On an argument or result: its name (string).
inline constexpr llvm::StringLiteral kNameAttr = "moe.name";
/// On an argument: largest extents (i64 array), needed where one is dynamic. On
/// a result: the same, where it cannot be derived.
inline constexpr llvm::StringLiteral kMaxShapeAttr = "moe.max_shape";
/// On an argument: `moe-differentiate` makes no gradient of it (unit).
inline constexpr llvm::StringLiteral kConstantAttr = "moe.constant";
/// On a materialised entry: the number of its tensor inputs (i64); the
/// arguments after them are results.
inline constexpr llvm::StringLiteral kEntryAttr = "moe.entry";
/// On a materialised entry: bytes of scratch that a call needs (i64).
inline constexpr llvm::StringLiteral kArenaBytesAttr = "moe.arena_bytes";
/// On an scf.execute_region: a piece of work with all that it computes for
/// itself before (unit).
inline constexpr llvm::StringLiteral kSunkAttr = "moe.sunk";
/// On a kernel function (unit).
inline constexpr llvm::StringLiteral kKernelAttr = "moe.kernel";
/// On the module (i64).
inline constexpr llvm::StringLiteral kWeightsBytesAttr = "moe.weights_bytes";
inline constexpr llvm::StringLiteral kKVBytesAttr = "moe.kv_bytes";
/// On the module: the caches' types in the order of their memory (type array).
inline constexpr llvm::StringLiteral kKVCachesAttr = "moe.kv_caches";
/// On the module: what is known of the model (dictionary).
inline constexpr llvm::StringLiteral kModelAttr = "moe.model";

/// Arguments of a materialised entry; tensor inputs and results follow.
enum EntryArgument : unsigned {
  kWeightsArgument = 0,
  kKVArgument = 1,
  kArenaArgument = 2,
  kFirstTensorArgument = 3
};

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_TRANSFORMS_ENTRYCONVENTIONS_H
