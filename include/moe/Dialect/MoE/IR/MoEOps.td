// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_OPS_TD
#define MOE_DIALECT_MOE_IR_OPS_TD

include "moe/Dialect/MoE/IR/MoEWeightOps.td"
include "moe/Dialect/MoE/IR/MoERoutingOps.td"
include "moe/Dialect/MoE/IR/MoECacheOps.td"
include "moe/Dialect/MoE/IR/MoESortedOps.td"
include "moe/Dialect/MoE/IR/MoERowOps.td"
include "moe/Dialect/MoE/IR/MoESortStepOps.td"
include "moe/Dialect/MoE/IR/MoEKernelOps.td"
include "moe/Dialect/MoE/IR/MoETrainingOps.td"

#endif // MOE_DIALECT_MOE_IR_OPS_TD
