// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From addresses of lanes to bytes of the host, with every access checked
// against the allocation map, the sizes of the windows and its alignment.
#ifndef MOE_LIB_PTXSIM_ACCESS_H
#define MOE_LIB_PTXSIM_ACCESS_H

#include "Decoder.h"

namespace moe::ptxsim {

/// What an address of an instruction is relative to.
enum class Window : uint8_t {
  Generic,
  Global, ///< constant memory, too
  Shared,
  Cluster, ///< shared memory of any block of the cluster
  Local,
  KernelParam, ///< imm is an offset in the block of parameters
  ParamArea,   ///< imm is a row of the frame, o[2] the stride of a lane
  Param,       ///< of the block of parameters, by an address from its begin
};

constexpr uint32_t windowBits = 7;
/// Of Op::flags, beside the Window.
constexpr uint32_t writes = 8;

inline Window window(const Op &op) { return Window(op.flags & windowBits); }

/// The pointers of the lanes of `mask` for `bytes` bytes each; those of other
/// lanes point at something that can be read.
void resolve(const Op &op, Warp &warp, uint32_t mask, uint32_t bytes,
             std::byte **pointers);

/// The addresses themselves: row o[1] plus imm.
void addresses(const Op &op, const Warp &warp, uint64_t *to);

/// For addresses in a given row: as resolve().
void resolveAddresses(const Op &op, Warp &warp, Window window, uint32_t mask,
                      uint32_t bytes, uint64_t *inOut);

/// The window of an instruction's memory operand and its address (o[1]).
/// False if the space is not one that can be accessed.
bool decodeAddress(Decoder &decoder, const ptx::Operand &operand,
                   ptx::Space space, Op &op);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_ACCESS_H
