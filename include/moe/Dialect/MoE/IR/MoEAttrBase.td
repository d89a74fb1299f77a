// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_ATTR_BASE_TD
#define MOE_DIALECT_MOE_IR_ATTR_BASE_TD

include "moe/Dialect/MoE/IR/MoEBase.td"

class MoE_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<MoE_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

#endif // MOE_DIALECT_MOE_IR_ATTR_BASE_TD
