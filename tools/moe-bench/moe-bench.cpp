// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measures layers, models and the simulated GPU.
#include "Benchmarks.h"
#include "CommandLine.h"
#include "Terminal.h"

using namespace moe::bench;
using namespace moe::tool;

int main(int argc, char **argv) {
  return runTool([&] {
    Options options = parseOptions(argc, argv);
    if (options.layer)
      Output().write(report(*options.layer, runLayer(*options.layer)));
    else if (options.model)
      Output().write(report(*options.model, runModel(*options.model)));
    else if (options.sim)
      Output().write(report(*options.sim, runSim(*options.sim)));
  });
}
