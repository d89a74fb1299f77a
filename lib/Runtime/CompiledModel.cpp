// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Executable.h"
#include "moe/Runtime/ThreadPool.h"

using namespace moe::rt;

namespace {

class CompiledModel final : public Executable {
public:
  CompiledModel(Artefact opened, int threads)
      : artefact(requireFit(std::move(opened))),
        kv(artefact.manifest().memory.kvBytes, "KV caches"),
        arena(artefact.manifest().memory.arenaBytes, "arena"),
        pool(ThreadPool::choose(threads)) {
    context.parallel_for = ThreadPool::parallelFor;
    context.weights = artefact.weights().data();
    context.kv = kv.data();
    context.arena = arena.data();
    context.runtime = &pool;
  }

  const Description &description() const override {
    return artefact.manifest();
  }
  void run(size_t entry, const moe_tensor *tensors) override {
    if (const char *failure = artefact.entry(entry)(&context, tensors))
      throw Error(ExitCode::checkFailed,
                  description().entries[entry].name + ": " + failure);
  }
  void reset() override { kv.clear(); }
  DeviceInfo device() const override { return {"cpu"}; }
  int threads() const override { return pool.threads(); }

private:
  /// Each part alone might fit where both do not.
  static Artefact requireFit(Artefact artefact) {
    const MemorySpec &memory = artefact.manifest().memory;
    requireMemory(memory.kvBytes + memory.arenaBytes, "KV caches and arena");
    return artefact;
  }

  Artefact artefact;
  ZeroedMemory kv;
  ZeroedMemory arena;
  ThreadPool pool;
  moe_context context{};
};

} // namespace

std::unique_ptr<Executable> moe::rt::makeCompiledModel(Artefact artefact,
                                                       int threads) {
  artefact.requireTarget(/*gpu=*/false);
  return std::make_unique<CompiledModel>(std::move(artefact), threads);
}
