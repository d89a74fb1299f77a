// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Properties.h"

#include "moe/PTXSim/Inspection.h"

#include <cstdlib>
#include <cstring>

namespace moe::ptxsim {

namespace {

constexpr uint32_t largestGrid = 2147483647;

const Properties devices[] = {
    {"a100",
     "Simulated NVIDIA A100-SXM4-80GB",
     8,
     0,
     /*multiprocessors=*/108,
     /*warpSize=*/32,
     /*maxThreadsPerBlock=*/1024,
     /*maxThreadsPerMultiprocessor=*/2048,
     /*maxBlocksPerMultiprocessor=*/32,
     {1024, 1024, 64},
     {largestGrid, 65535, 65535},
     /*registersPerBlock=*/65536,
     /*registersPerMultiprocessor=*/65536,
     /*sharedPerBlock=*/49152,
     /*sharedPerBlockOptin=*/166912,
     /*sharedPerMultiprocessor=*/167936,
     /*sharedReservedPerBlock=*/1024,
     /*maxClusterSize=*/1,
     /*maxClusterSizeNonPortable=*/1,
     /*clockKHz=*/1410000,
     /*memoryClockKHz=*/1593000,
     /*memoryBusBits=*/5120,
     /*memoryBytes=*/uint64_t(80) << 30,
     /*l2Bytes=*/41943040,
     /*constantBytes=*/65536},
    {"h100",
     "Simulated NVIDIA H100 80GB HBM3",
     9,
     0,
     /*multiprocessors=*/132,
     /*warpSize=*/32,
     /*maxThreadsPerBlock=*/1024,
     /*maxThreadsPerMultiprocessor=*/2048,
     /*maxBlocksPerMultiprocessor=*/32,
     {1024, 1024, 64},
     {largestGrid, 65535, 65535},
     /*registersPerBlock=*/65536,
     /*registersPerMultiprocessor=*/65536,
     /*sharedPerBlock=*/49152,
     /*sharedPerBlockOptin=*/232448,
     /*sharedPerMultiprocessor=*/233472,
     /*sharedReservedPerBlock=*/1024,
     /*maxClusterSize=*/8,
     /*maxClusterSizeNonPortable=*/16,
     /*clockKHz=*/1980000,
     /*memoryClockKHz=*/2619000,
     /*memoryBusBits=*/5120,
     /*memoryBytes=*/uint64_t(80) << 30,
     /*l2Bytes=*/52428800,
     /*constantBytes=*/65536},
};

bool readNumber(const char *text, uint64_t &value) {
  char *end = nullptr;
  value = std::strtoull(text, &end, 0);
  return *text && *text != '-' && !*end;
}

} // namespace

const Properties *findProperties(std::string_view id) {
  for (const Properties &device : devices)
    if (id == device.id)
      return &device;
  return nullptr;
}

Error Options::fromEnvironment(Options &options) {
  auto wrong = [](const char *name, const char *got, const char *expected) {
    return Error::make(ErrorKind::InvalidValue, std::string(name) +
                                                    ": expected " + expected +
                                                    ", got \"" + got + "\"");
  };
  const char *text = std::getenv("MOE_SIM_DEVICE");
  options.device = findProperties(text ? text : "a100");
  if (!options.device)
    return wrong("MOE_SIM_DEVICE", text, "a100 or h100");
  if ((text = std::getenv("MOE_SIM_ASYNC"))) {
    if (!std::strcmp(text, "late"))
      options.async = AsyncOrder::Late;
    else if (!std::strcmp(text, "early"))
      options.async = AsyncOrder::Early;
    else if (readNumber(text, options.asyncSeed))
      options.async = AsyncOrder::Random;
    else
      return wrong("MOE_SIM_ASYNC", text, "late, early or a number");
  }
  if ((text = std::getenv("MOE_SIM_TENSOR"))) {
    options.exactTensorCores = !std::strcmp(text, "exact");
    if (!options.exactTensorCores && std::strcmp(text, "fast"))
      return wrong("MOE_SIM_TENSOR", text, "exact or fast");
  }
  if ((text = std::getenv("MOE_SIM_CHECK")) && *text &&
      !readChecks(text, options.checks))
    return wrong("MOE_SIM_CHECK", text,
                 "all, or some of memory,init,race,sync,wait,proxy,leak");
  uint64_t counters = 0;
  uint64_t threads = options.threads;
  struct {
    const char *name;
    uint64_t *value;
  } numbers[] = {{"MOE_SIM_SCHED", &options.scheduleSeed},
                 {"MOE_SIM_THREADS", &threads},
                 {"MOE_SIM_APPROX", &options.approximationSeed},
                 {"MOE_SIM_STEPS", &options.maxSteps},
                 {"MOE_SIM_COUNTERS", &counters}};
  for (auto &number : numbers)
    if ((text = std::getenv(number.name)) && !readNumber(text, *number.value))
      return wrong(number.name, text, "a number");
  if (threads < 1 || threads > 256)
    return wrong("MOE_SIM_THREADS", std::getenv("MOE_SIM_THREADS"), "1 to 256");
  options.threads = uint32_t(threads);
  options.counters = counters != 0;
  return {};
}

} // namespace moe::ptxsim
