// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the processor underneath can do, by LLVM's feature names.
#ifndef MOE_RUNTIME_HOSTFEATURES_H
#define MOE_RUNTIME_HOSTFEATURES_H

#include <string>
#include <string_view>
#include <vector>

namespace moe::rt {

/// Whether the processor and the operating system both support `feature`
/// ("avx512f", "amx-tile", …). A name this runtime does not know is not
/// supported.
bool hostSupports(std::string_view feature);

/// All supported features that this runtime knows, in a fixed order.
std::vector<std::string> hostFeatures();

/// Asks the kernel to let this process use the AMX tile registers; without it
/// the first tile instruction is fatal. False if refused. Threads started
/// afterwards inherit the permission.
bool requestAmxPermission();

} // namespace moe::rt

#endif // MOE_RUNTIME_HOSTFEATURES_H
