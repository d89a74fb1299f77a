// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Right kernels, each with a mistake put in: which checker says so.
// docs/mutants.md has the lists.
#ifndef MOE_TEST_PTXSIM_MUTANTS_H
#define MOE_TEST_PTXSIM_MUTANTS_H

#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <algorithm>

namespace moe::ptxsim {

/// What a run left behind.
struct Outcome {
  Error error;
  std::vector<uint32_t> results;
};

struct SampleKernel {
  const char *name, *file;
  Outcome (*run)(Sim &);
};

/// No checker, but results that differ.
constexpr Check wrongResults = Check(checkCount);

struct Mutant {
  const char *kernel, *what;
  /// Of the text of the kernel: the `number`th place with `from` becomes `to`;
  /// number 0: every place.
  unsigned number;
  const char *from, *to;
  Check check;
  const char *says; ///< part of a finding
};

inline std::vector<uint16_t> someBF16(size_t count, unsigned seed) {
  std::vector<uint16_t> bits(count);
  for (size_t i = 0; i < count; ++i)
    bits[i] = floatToBF16(float(int((i * 7919 + seed) % 257) - 128) / 64);
  return bits;
}

inline std::vector<float> someFloats(size_t count, unsigned seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = float(int((i * 7919 + seed) % 257) - 128) / 64;
  return values;
}

/// Puts a mistake into the text of a kernel; false if there is no such place.
inline bool mutate(std::string &text, const Mutant &mutant) {
  size_t at = text.find(std::string(".entry ") + mutant.kernel + "(");
  size_t end = std::min(text.find(".entry ", at + 1), text.size());
  std::string from = mutant.from, to = mutant.to;
  unsigned found = 0;
  for (; (at = text.find(from, at)) < end; at += to.size()) {
    if (++found == mutant.number || !mutant.number) {
      text.replace(at, from.size(), to);
      end = end + to.size() - from.size();
      if (mutant.number)
        return true;
    } else {
      at += from.size() - to.size();
    }
  }
  return !mutant.number && found;
}

inline Options checked(const char *device, uint32_t checks) {
  Options options = optionsOf(device);
  options.checks = checks;
  options.maxSteps = 1 << 20;
  return options;
}

/// In every order; the results are those of the first.
template <size_t N>
void expectClean(const char *device, const SampleKernel (&kernels)[N]) {
  for (const SampleKernel &kernel : kernels) {
    SCOPED_TRACE(kernel.name);
    std::vector<uint32_t> results;
    for (Options options : everyOrder(device)) {
      options.checks = allChecks;
      Sim sim(options);
      sim.loadFile(kernel.file);
      Outcome outcome = kernel.run(sim);
      EXPECT_RUNS(outcome.error);
      if (results.empty())
        results = outcome.results;
      EXPECT_EQ(results, outcome.results);
    }
  }
}

template <size_t N, size_t M>
void expectCaught(const char *device, const SampleKernel (&kernels)[N],
                  const Mutant (&mutants)[M]) {
  for (const Mutant &mutant : mutants) {
    SCOPED_TRACE(std::string(mutant.kernel) + ": " + mutant.what);
    const SampleKernel *kernel = nullptr;
    for (const SampleKernel &one : kernels)
      if (std::string(one.name) == mutant.kernel)
        kernel = &one;
    ASSERT_TRUE(kernel);
    Sim sim(checked(device, allChecks));
    sim.expectClean = false;
    std::string text = Sim::readInput(kernel->file);
    ASSERT_TRUE(mutate(text, mutant));
    ASSERT_TRUE(sim.load(text)) << sim.error.str();
    Outcome outcome = kernel->run(sim);
    if (mutant.check == wrongResults) {
      EXPECT_RUNS(outcome.error);
      EXPECT_TRUE(sim.device.findings().empty())
          << sim.device.findings().table();
      Sim right(checked(device, 0));
      right.loadFile(kernel->file);
      EXPECT_NE(kernel->run(right).results, outcome.results);
      continue;
    }
    bool caught = false;
    for (const Finding &finding : sim.device.findings().all())
      caught |= finding.check == mutant.check &&
                finding.str().find(mutant.says) != std::string::npos;
    EXPECT_TRUE(caught) << outcome.error.str() << "\n"
                        << sim.device.findings().table();
  }
}

} // namespace moe::ptxsim

#endif // MOE_TEST_PTXSIM_MUTANTS_H
