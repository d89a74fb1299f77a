// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reader of one .safetensors file: u64 little-endian header length, JSON
// header, tensor bytes.
#ifndef MOE_IMPORT_SAFETENSORS_H
#define MOE_IMPORT_SAFETENSORS_H

#include "moe/Import/DType.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::moe {

/// A tensor inside a mapped file; valid as long as the file object lives.
/// Row-major; the bytes have no alignment.
struct TensorView {
  DType dtype = DType::F32;
  llvm::ArrayRef<int64_t> shape;
  llvm::StringRef bytes;
};

/// `[2, 3]` as text, for messages.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// One .safetensors file, mapped into memory and checked whole on opening:
/// every dtype is known, every size is shape × dtype, and the tensors cover the
/// data from first to last byte without hole or overlap, as the format demands.
/// Reading tensor bytes afterwards cannot fail.
class SafetensorsFile {
public:
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);
  /// The same over bytes already in memory; `name` stands for the path in
  /// messages.
  static llvm::Expected<SafetensorsFile>
  parse(std::unique_ptr<llvm::MemoryBuffer> buffer, llvm::StringRef name);

  llvm::StringRef getPath() const { return path; }
  /// Keys in the order of their data in the file.
  llvm::ArrayRef<std::string> getKeys() const { return keys; }
  /// The tensor named `key`, or null.
  const TensorView *lookup(llvm::StringRef key) const;

private:
  struct Entry;
  SafetensorsFile() = default;
  llvm::Error readHeader(llvm::StringRef header);
  llvm::Error checkCoverage(std::vector<Entry> &entries) const;

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  std::string path;
  llvm::StringRef data;
  std::vector<std::string> keys;
  /// Shapes of the views; a vector per tensor, never resized once a view refers
  /// to it.
  std::vector<std::vector<int64_t>> shapes;
  llvm::StringMap<TensorView> tensors;
};

} // namespace mlir::moe

#endif // MOE_IMPORT_SAFETENSORS_H
