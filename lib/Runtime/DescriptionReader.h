// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_RUNTIME_DESCRIPTIONREADER_H
#define MOE_LIB_RUNTIME_DESCRIPTIONREADER_H

#include "JsonReader.h"
#include "moe/Runtime/ABI.h"
#include "moe/Runtime/Manifest.h"

namespace moe::rt {

/// Fills in the keys that manifests and other descriptions share.
void readDescription(const JsonReader &root, Description &result);

/// Checks that prefill and decode have the signatures that sessions call:
///   prefill(tokens[T], positions[T], sequences[T], out_rows[R]) -> logits[R,V]
///   decode(tokens[B], positions[B], sequences[B]) -> logits[B,V]
void checkLanguageModel(const JsonReader &entries, const Description &result);

} // namespace moe::rt

#endif // MOE_LIB_RUNTIME_DESCRIPTIONREADER_H
