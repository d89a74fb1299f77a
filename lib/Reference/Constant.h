// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constant attributes as data.
#ifndef MOE_LIB_REFERENCE_CONSTANT_H
#define MOE_LIB_REFERENCE_CONSTANT_H

#include "moe/Reference/Datum.h"

namespace mlir::moe::reference {

/// The value of an integer, float or dense attribute; nothing for an element
/// type that is not evaluated.
std::optional<Datum> convertAttribute(Attribute attribute);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_CONSTANT_H
