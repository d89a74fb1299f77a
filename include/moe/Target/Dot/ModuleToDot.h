// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TARGET_DOT_MODULETODOT_H
#define MOE_TARGET_DOT_MODULETODOT_H

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mlir {
class ModuleOp;

namespace moe {

/// Writes the entry functions of a module as one Graphviz digraph: a node for
/// each operation that works on tensors, shapes on the edges, a cluster for
/// each layer, which is told by the names of the weights. Equal modules give
/// equal text.
void writeDot(ModuleOp module, llvm::raw_ostream &os);

/// Registers `moe-to-dot`.
void registerToDotTranslation();

} // namespace moe
} // namespace mlir

#endif // MOE_TARGET_DOT_MODULETODOT_H
