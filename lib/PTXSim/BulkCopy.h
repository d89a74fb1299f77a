// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What bulk copies of rows and of tensors share.
#ifndef MOE_LIB_PTXSIM_BULKCOPY_H
#define MOE_LIB_PTXSIM_BULKCOPY_H

#include "Cluster.h"

#include <functional>

namespace moe::ptxsim {

/// Address operands of instructions that have several: each has four entries
/// of Code::extras.
constexpr unsigned wordsOfAddress = 4;
void addAddress(Decoder &decoder, Op &op, const ptx::Operand &operand);
uint64_t addressOf(const Warp &warp, const uint32_t *words, unsigned lane);

/// One operation of a type on numbers in memory, atomically.
using Reduction = void (*)(std::byte *at, const std::byte *value);
/// Null: there is none.
Reduction reductionOf(ptx::Type type, ptx::Modifier operation, bool isShared);

/// Steps of records between linear ranges of bytes.
/// Issues the record for each block whose bit is set in `ranks`.
void issueMulticast(AsyncRecord record, uint32_t ranks);

void readLinear(AsyncRecord &record);
void writeLinear(AsyncRecord &record);
void reduceLinear(AsyncRecord &record);
/// Tells the record's mbarrier, if it has one.
void tellMbarrier(const AsyncRecord &record);

/// Makes the record one of the next bulk group of its lane.
inline void addToGroup(AsyncRecord &record) {
  record.grouped = true;
  record.group = record.warp->bulkCommitted[record.lane];
}

/// Says why [address, address + bytes) of global memory cannot be accessed.
void checkGlobal(const Op &op, const Warp &warp, unsigned lane, Address address,
                 uint64_t bytes, bool writes);

/// Calls `range(address, bytes)` for the parts of global memory that a copy
/// reads or writes.
void forEachGlobalRange(const AsyncRecord &record,
                        const std::function<void(Address, uint64_t)> &range);

/// Bytes of the box of a tensor map in shared memory.
uint64_t boxBytes(const TensorMap &map);
/// The tensor map at an address, or a fault.
TensorMap readTensorMap(const Op &op, const Warp &warp, unsigned lane,
                        Address address);
void readTensor(AsyncRecord &record);   ///< from global memory
void writeTile(AsyncRecord &record);    ///< to shared memory
void readTile(AsyncRecord &record);     ///< from shared memory
void writeTensor(AsyncRecord &record);  ///< to global memory
void reduceTensor(AsyncRecord &record); ///< to global memory

void decodeTensorCopy(Decoder &, const ptx::Instruction &, Op &);
void decodeTensorMap(Decoder &, const ptx::Instruction &, Op &);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_BULKCOPY_H
