// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ScalarProgram.h"

#include "Constant.h"
#include "EvalTensor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::moe::reference {

std::optional<ScalarProgram> ScalarProgram::compile(Block &body, Frame &frame) {
  ScalarProgram program;
  for (BlockArgument argument : body.getArguments())
    program.slotOfValue[argument] = argument.getArgNumber();
  program.slots.resize(body.getNumArguments());
  for (Operation &op : body.without_terminator())
    if (!program.add(op, frame))
      return std::nullopt;
  for (Value operand : body.getTerminator()->getOperands())
    program.yields.push_back(program.slotOf(operand, frame));
  return program;
}

unsigned ScalarProgram::slotOf(Value value, Frame &frame) {
  auto [it, inserted] = slotOfValue.try_emplace(value, slots.size());
  if (inserted)
    slots.push_back(frame.scalar(value));
  return it->second;
}

bool ScalarProgram::add(Operation &op, Frame &frame) {
  if (op.getNumResults() != 1 || isa<ShapedType>(op.getResult(0).getType()))
    return false;
  Instruction instruction{};
  instruction.op = &op;
  OperandRange operands = op.getOperands();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::optional<Datum> datum = convertAttribute(constant.getValue());
    if (!datum)
      return false;
    slotOfValue[constant] = slots.size();
    slots.push_back(std::get<Scalar>(*datum));
    return true;
  }
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    instruction.kind = Instruction::Index;
    instruction.dim = index.getDim();
  } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    // A tensor cannot come from within the body: no operation here makes one.
    instruction.kind = Instruction::Extract;
    instruction.table = frame.tensor(extract.getTensor());
    operands = operands.drop_front();
  } else if (std::optional<ScalarOp> scalarOp = ScalarOp::resolve(&op)) {
    instruction.kind = Instruction::Compute;
    instruction.scalarOp = *scalarOp;
  } else {
    return false;
  }
  for (Value operand : operands)
    instruction.operands.push_back(slotOf(operand, frame));
  instruction.result = slots.size();
  slotOfValue[op.getResult(0)] = instruction.result;
  slots.emplace_back();
  instructions.push_back(std::move(instruction));
  return true;
}

LogicalResult ScalarProgram::run(ArrayRef<int64_t> position) {
  for (const Instruction &instruction : instructions) {
    Scalar &result = slots[instruction.result];
    switch (instruction.kind) {
    case Instruction::Compute: {
      Scalar args[ScalarOp::maxOperands];
      for (auto [i, operand] : llvm::enumerate(instruction.operands))
        args[i] = slots[operand];
      result = instruction.scalarOp(args);
      if (result.isUndefined())
        return emitUndefined(instruction.op,
                             ArrayRef(args, instruction.operands.size()));
      break;
    }
    case Instruction::Index:
      result =
          Scalar::makeInteger(ElementKind::Index, position[instruction.dim]);
      break;
    case Instruction::Extract: {
      SmallVector<int64_t, 4> indices;
      for (unsigned operand : instruction.operands)
        indices.push_back(slots[operand].i);
      std::optional<int64_t> offset = instruction.table.offsetOf(indices);
      if (!offset)
        return emitOutOfRange(instruction.op, indices, instruction.table);
      result = instruction.table.get(*offset);
      break;
    }
    }
  }
  return success();
}

} // namespace mlir::moe::reference
