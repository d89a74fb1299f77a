// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The values that a function takes, holds and returns while it is evaluated.
#ifndef MOE_REFERENCE_DATUM_H
#define MOE_REFERENCE_DATUM_H

#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "moe/Reference/Tensor.h"

#include <map>
#include <utility>
#include <variant>

namespace mlir::moe::reference {

/// See `!moe.plan` and `moe.sort_tokens`.
struct Plan {
  int64_t experts = 0, topK = 0;
  std::vector<int64_t> offsets; ///< [E + 1]
  std::vector<int64_t> order;   ///< [R], the pair in each row, or -1
  std::vector<int64_t> inverse; ///< [T·k], the row of each pair
};

/// A KV cache that forgets nothing: the row of every position of every
/// sequence. What a policy lets a query see is decided when it is read.
class Cache {
public:
  struct Row {
    std::vector<float> keys;   ///< [heads, key width]
    std::vector<float> values; ///< [heads, value width]
  };

  explicit Cache(KVCacheType type) : type(type) {}

  KVCacheType getType() const { return type; }
  void append(int64_t sequence, int64_t position, Row row) {
    rows[{sequence, position}] = std::move(row);
  }
  /// The row of a position, or null when there is none yet.
  const Row *lookup(int64_t sequence, int64_t position) const {
    auto it = rows.find({sequence, position});
    return it == rows.end() ? nullptr : &it->second;
  }
  void clear() { rows.clear(); }

private:
  KVCacheType type;
  std::map<std::pair<int64_t, int64_t>, Row> rows;
};

/// Plans are shared and constant; a cache is the caller's, who outlives the
/// evaluation.
using Datum =
    std::variant<Scalar, Tensor, std::shared_ptr<const Plan>, Cache *>;

} // namespace mlir::moe::reference

#endif // MOE_REFERENCE_DATUM_H
