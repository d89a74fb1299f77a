// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Work.h"

#include "Capture.h"
#include "Module.h"
#include "Report.h"

#include <cstring>

namespace moe::driver {

using namespace moe::cuda;

namespace {
CUresult copyRow(const CopyWork &work, uint64_t target, uint64_t source,
                 uint64_t bytes) {
  ptxsim::Memory &memory = state().memory->deviceOfOperation().memory();
  if (work.sourceOnDevice && work.targetOnDevice)
    return report(memory.copy(target, source, bytes));
  if (work.targetOnDevice)
    return report(
        memory.write(target, reinterpret_cast<const void *>(source), bytes));
  if (work.sourceOnDevice)
    return report(memory.read(source, reinterpret_cast<void *>(target), bytes));
  std::memmove(reinterpret_cast<void *>(target),
               reinterpret_cast<const void *>(source), bytes);
  return CUDA_SUCCESS;
}

CUresult runCopy(const CopyWork &work) {
  for (uint64_t z = 0; z < work.depth; ++z)
    for (uint64_t y = 0; y < work.height; ++y)
      if (CUresult result = copyRow(
              work, work.target + z * work.targetSlice + y * work.targetPitch,
              work.source + z * work.sourceSlice + y * work.sourcePitch,
              work.width);
          result != CUDA_SUCCESS)
        return result;
  return CUDA_SUCCESS;
}

CUresult runFill(const CUDA_MEMSET_NODE_PARAMS &params) {
  ptxsim::Memory &memory = state().memory->deviceOfOperation().memory();
  for (size_t y = 0; y < params.height; ++y)
    if (ptxsim::Error error =
            memory.fill(params.dst + y * params.pitch, params.value,
                        params.elementSize, params.width))
      return report(error);
  return CUDA_SUCCESS;
}

CUresult runKernel(const KernelWork &work) {
  ptxsim::LaunchStatistics statistics;
  auto start = std::chrono::steady_clock::now();
  ptxsim::Error error = state().memory->deviceOfOperation().run(
      *work.function->kernel, work.launch, &statistics);
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  addToReport(work.function->kernel->name, statistics, seconds.count());
  return report(error);
}

CUresult runFree(uint64_t address) {
  // The device belongs to this operation; only the book-keeping needs the
  // driver's lock.
  return state().memory->releaseFromOperation(address);
}
} // namespace

OperationRef makeOperation(const Work &work) {
  auto operation = std::make_shared<Operation>();
  if (const auto *kernel = std::get_if<KernelWork>(&work)) {
    operation->run = [kernel = *kernel] { return runKernel(kernel); };
  } else if (const auto *copy = std::get_if<CopyWork>(&work)) {
    operation->run = [copy = *copy] { return runCopy(copy); };
  } else if (const auto *fill = std::get_if<FillWork>(&work)) {
    operation->run = [params = fill->params] { return runFill(params); };
  } else if (const auto *host = std::get_if<HostWork>(&work)) {
    operation->worker = Operation::Worker::Host;
    operation->run = [params = host->params] {
      params.fn(params.userData);
      return CUDA_SUCCESS;
    };
  } else if (const auto *callback = std::get_if<CallbackWork>(&work)) {
    operation->worker = Operation::Worker::Host;
    operation->run = [work = *callback, target = operation.get()] {
      work.callback(work.stream, target->context->failure, work.userData);
      return CUDA_SUCCESS;
    };
  } else if (const auto *record = std::get_if<RecordWork>(&work)) {
    record->event->recorded = operation;
  } else if (const auto *wait = std::get_if<WaitWork>(&work)) {
    if (wait->event->recorded)
      operation->after.push_back(wait->event->recorded);
  } else if (const auto *free = std::get_if<FreeWork>(&work)) {
    operation->run = [address = free->address] { return runFree(address); };
  }
  return operation;
}

OperationRef submit(const StreamRef &stream, Work work) {
  if (capture(stream, work))
    return nullptr;
  checkLegacy(stream);
  OperationRef operation = makeOperation(work);
  enqueue(stream, operation);
  return operation;
}

} // namespace moe::driver
