// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"
#include "Module.h"
#include "Report.h"

#include <cinttypes>
#include <cstdio>

namespace moe::driver {

void findLeaks(ptxsim::Findings &findings) {
  // The thread that runs operations may be at work still.
  std::lock_guard<std::mutex> lock(state().mutex);
  for (const auto &[handle, context] : state().contexts.all())
    if (context->failure != cuda::CUDA_SUCCESS)
      return; // who can clean up after an error?
  auto add = [&](std::string message) {
    ptxsim::Finding finding;
    finding.check = ptxsim::Check::Leak;
    finding.message = std::move(message);
    findings.add(std::move(finding));
  };
  for (const auto &[address, block] : state().memory->all()) {
    if (block.kind == ptxsim::AllocationKind::Variable)
      continue;
    char text[128];
    std::snprintf(text, sizeof text,
                  "%" PRIu64 " bytes at 0x%" PRIx64 " are %s at the end",
                  block.bytes, block.address,
                  block.kind == ptxsim::AllocationKind::Registered
                      ? "registered still"
                      : "allocated still");
    add(text);
  }
  auto count = [&](size_t number, const char *what, const char *call) {
    if (number)
      add(std::to_string(number) + " " + what + " at the end without " + call);
  };
  count(state().modules.all().size(), "modules are loaded", "cuModuleUnload");
  count(state().libraries.all().size(), "libraries are loaded",
        "cuLibraryUnload");
  count(state().streams.all().size(), "streams are there", "cuStreamDestroy");
  count(state().events.all().size(), "events are there", "cuEventDestroy");
  count(state().graphs.all().size(), "graphs are there", "cuGraphDestroy");
  count(state().execs.all().size(), "executable graphs are there",
        "cuGraphExecDestroy");
  size_t made = 0;
  for (const auto &[handle, context] : state().contexts.all())
    made += !context->primary;
  count(made, "contexts are there", "cuCtxDestroy");
  count(state().primaryReferences, "uses of the primary context are retained",
        "cuDevicePrimaryCtxRelease");
}

} // namespace moe::driver
