// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which rows of (token, slot) pairs a tensor holds, in which order, and which
// of them somebody has written: what token conservation is proven with.
#ifndef MOE_ANALYSIS_ROWSETS_H
#define MOE_ANALYSIS_ROWSETS_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::linalg {
class LinalgOp;
} // namespace mlir::linalg

namespace mlir::scf {
class ForOp;
} // namespace mlir::scf

namespace mlir::tensor {
class ExtractSliceOp;
class InsertSliceOp;
} // namespace mlir::tensor

namespace mlir::moe {

/// The order that rows of pairs are in: that of a `moe.sort_tokens`, or
/// token-slot order, with experts by `ids`.
struct RowSpace {
  SortTokensOp sort;
  /// Null while no operation has said which ids these are.
  Value ids;

  /// Whether row r of both spaces stands for the same pair.
  bool matches(const RowSpace &other) const;
};

/// A set of rows. The sets are the chain
///   [0, offsets[0]) = none < [0, offsets[1]) < .. < [0, offsets[E]) < all,
/// in which [0, offsets[E]) are the pairs that are not skipped.
class RowSet {
public:
  static RowSet upToExpert(int64_t expert) { return RowSet(expert); }
  static RowSet all() { return RowSet(std::numeric_limits<int64_t>::max()); }

  bool contains(RowSet other) const { return end >= other.end; }
  RowSet intersect(RowSet other) const {
    return RowSet(std::min(end, other.end));
  }
  bool operator==(RowSet other) const { return end == other.end; }

private:
  explicit RowSet(int64_t end) : end(end) {}
  int64_t end;
};

/// What is known of a tensor.
struct RowFact {
  enum Kind {
    Plain,         ///< initialised, not known to be rows of pairs
    Uninitialised, ///< nobody has written it
    Pairs,         ///< rows of pairs
  };
  Kind kind = Plain;
  RowSpace space = {};
  RowSet written = RowSet::all();
};

/// Interprets a function of the sorted or fused level on facts about rows.
class RowSetAnalysis {
public:
  using Report = std::function<void(Operation *, const Twine &)>;

  /// Calls `report` for each operation that loses a row, uses one twice, mixes
  /// rows of different orders, or reads one that nobody wrote, `lose` for each
  /// that uses rows in a way that cannot be followed, and `doubt` for each that
  /// is right only if the model says so. Rows that come from outside are taken
  /// to be in the right order.
  RowSetAnalysis(FunctionOpInterface function, Report report, Report lose,
                 Report doubt);

  /// What a combination reads; `rows` are null where it makes them itself.
  struct Combination {
    Value rows, weights, inverse, offsets, ids, init, skipped;
  };

  /// Sorts whose rows were followed from the gather to the combination.
  int64_t getNumProven() const { return combinedSorts.size() - numLost; }

private:
  void visit(Block &block);
  void visitOperation(Operation *op);
  void visitGather(GatherRowsOp op);
  void visitExpertRows(ExpertRowsOp op);
  void visitProduct(GroupedMatmulOp op);
  void visitCombine(CombineRowsOp op);
  void visitLinalg(linalg::LinalgOp op);
  void visitSlice(tensor::ExtractSliceOp op);
  void visitInsert(tensor::InsertSliceOp op);
  void visitLoop(scf::ForOp op);
  void visitRegions(Operation *op);
  void visitOther(Operation *op);

  void checkCombination(Operation *op, const Combination &combination,
                        const RowFact &rows);
  void checkBlock(tensor::InsertSliceOp op, scf::ForOp loop, Value expert);

  /// The space that offsets or ids say; nothing, after a report, if they are
  /// not those of a sort.
  std::optional<RowSpace> getSpace(Operation *op, Value offsets, Value ids);
  /// The rows that a product or a lookup by expert gives.
  static RowSet getComputedRows(RowSpace space, int64_t experts, bool partial);
  /// The sort that `value` is result `index` of; the first of those that give
  /// one order.
  SortTokensOp getSort(Value value, unsigned index);
  RowFact getFact(Value value) const { return facts.lookup(value); }
  void setPairs(ValueRange values, const RowSpace &space, RowSet written);
  void fail(Operation *op, const Twine &message);
  /// Stops following `rows`, which `op` uses.
  void escape(Operation *op, Value rows, const Twine &message);

  Report report, lose, doubt;
  bool failed = false;
  int64_t numLost = 0;
  DenseMap<Value, RowFact> facts;
  /// One sort for each order.
  SmallVector<SortTokensOp> orders;
  SetVector<Operation *> sorts, combinedSorts;
};

} // namespace mlir::moe

#endif // MOE_ANALYSIS_ROWSETS_H
