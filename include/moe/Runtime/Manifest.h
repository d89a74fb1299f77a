// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an artefact says about itself, read strictly: a key that is missing, of
// the wrong type, out of range or at odds with another is an error.
#ifndef MOE_RUNTIME_MANIFEST_H
#define MOE_RUNTIME_MANIFEST_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moe::rt {

enum class DType { f32, bf16, i32, i64 };

int64_t byteSize(DType dtype);
const char *name(DType dtype);

/// One argument or result of an entry; contiguous, row-major.
struct TensorSpec {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;    ///< -1: known when called.
  std::vector<int64_t> maxShape; ///< What memory was planned for.

  /// Elements and bytes at maxShape; no product here overflows.
  int64_t maxElements() const;
  int64_t maxBytes() const { return maxElements() * byteSize(dtype); }
};

struct EntrySpec {
  std::string name;
  std::string symbol;
  std::vector<TensorSpec> args;
  std::vector<TensorSpec> results;
};

/// Present when the entries are those of a language model.
struct ModelSpec {
  std::string family;
  int64_t vocabSize = 0;
  int64_t maxLength = 0;
  int64_t batch = 0;
  int64_t prefillChunk = 0;
  std::optional<int32_t> bosToken;
  std::vector<int32_t> eosTokens;
};

struct KvLayerSpec {
  std::string policy;
  int64_t length = 0;
  int64_t capacity = 0;
  int64_t heads = 0;
  int64_t keyDim = 0;
  int64_t valueDim = 0;
  DType dtype = DType::f32;
  int64_t offset = 0;
  int64_t bytes = 0;
};

struct KvSpec {
  std::string policy;
  std::vector<KvLayerSpec> layers;
};

struct MemorySpec {
  int64_t weightsBytes = 0;
  int64_t kvBytes = 0;
  int64_t arenaBytes = 0;
};

/// What any executable says about itself, compiled or interpreted.
struct Description {
  DType dtype = DType::f32;
  MemorySpec memory;
  std::optional<ModelSpec> model;
  std::optional<KvSpec> kv;
  std::vector<EntrySpec> entries;

  /// The entry called `name`, or null.
  const EntrySpec *findEntry(std::string_view name) const;

  /// Reads the keys dtype, memory, model, kv and entries of a JSON object;
  /// `file` is what errors call it.
  static Description parse(std::string_view json, const std::string &file);
};

/// A GPU architecture: "sm_90a" is compute capability 9.0, and that alone.
struct GpuArch {
  int major = 0;
  int minor = 0;
  char suffix = 0; ///< 'a': no other architecture; 'f': its family; 0: any
                   ///< newer one too.

  static std::optional<GpuArch> parse(std::string_view text);
  std::string str() const;
  /// Whether PTX, or machine code, for this architecture runs on `device`.
  bool ptxRunsOn(const GpuArch &device) const;
  bool machineCodeRunsOn(const GpuArch &device) const;
};

/// A kernel of a device's code, by the number that code.so launches it with.
struct KernelSpec {
  std::string name;                ///< The entry in its module.
  size_t module = 0;               ///< Its module in GpuTarget::modules.
  int64_t block = 0;               ///< Threads.
  int64_t sharedBytes = 0;         ///< Dynamic ones, of a block.
  std::vector<int64_t> paramBytes; ///< Size of each parameter.
};

struct GpuTarget {
  GpuArch arch;
  /// Files of PTX and machine code, without ".ptx" and ".cubin".
  std::vector<std::string> modules;
  std::vector<KernelSpec> kernels;
};

struct FileSpec {
  int64_t bytes = 0;
  uint64_t hash = 0; ///< XXH3-64.
};

struct Manifest : Description {
  static constexpr int64_t supportedVersion = 1;

  std::string compiler;
  std::string triple;
  int64_t vectorBits = 0;
  std::vector<std::string> features; ///< As LLVM spells them, without '+'.
  std::optional<GpuTarget> gpu;      ///< None: all of the code is the CPU's.
  std::map<std::string, FileSpec> files;

  /// Reads manifest.json. A foreign version or target is `unsupported`,
  /// everything else that is wrong `inputWrong`.
  static Manifest parse(std::string_view json, const std::string &file);

  /// What moe-compile calls the target: "cpu" or "sm_80".
  std::string target() const { return gpu ? gpu->arch.str() : "cpu"; }
};

/// 16 lower-case hexadecimal digits of the XXH3-64 of `size` bytes, and back.
std::string formatHash(uint64_t hash);
std::optional<uint64_t> parseHash(std::string_view digits);
uint64_t hashBytes(const void *data, size_t size);

} // namespace moe::rt

#endif // MOE_RUNTIME_MANIFEST_H
