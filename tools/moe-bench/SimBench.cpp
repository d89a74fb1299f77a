// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The simulated GPU on one thread of this host: thread instructions a second of
// a matmul through shared memory, and products a second of a grouped product on
// tensor cores as Triton compiles it, both also under all checkers.
#include "Benchmarks.h"
#include "Measure.h"
#include "moe/PTXSim/Device.h"
#include "moe/PTXSim/Numerics/Formats.h"
#include "moe/Runtime/Error.h"
#include "moe/Target/PTX/Parser.h"

#include <cstring>
#include <ctime>
#include <memory>
#include <numeric>

using namespace moe::bench;
using namespace moe::ptxsim;
using DeviceOptions = moe::ptxsim::Options;

namespace moe::bench {
// Put into this program when it is built.
extern const char *const matmulKernel, *const groupedKernel;
} // namespace moe::bench

namespace {

void check(const Error &error) {
  if (error)
    throw moe::rt::Error(moe::rt::ExitCode::internal, error.str());
}

/// One kernel with its operands on a device of its own.
class Contender {
public:
  Contender(std::string name, const char *text, const DeviceOptions &options)
      : device(options) {
    row.name = std::move(name);
    row.checked = options.checks != 0;
    moe::ptx::Diagnostics diagnostics(row.name);
    Error error;
    if (std::shared_ptr<const moe::ptx::Module> module =
            moe::ptx::parse(text, diagnostics))
      program = Program::load(module, device, error);
    check(error);
    if (!program)
      throw moe::rt::Error(moe::rt::ExitCode::internal, diagnostics.str());
    kernel = program->kernels().front().get();
    launch.params.resize(kernel->paramBytes);
  }

  template <class T>
  Address upload(const std::vector<T> &values) {
    uint64_t bytes = values.size() * sizeof(T);
    Address at = device.memory().allocate(bytes);
    check(device.memory().write(at, values.data(), bytes));
    return at;
  }

  template <class... Values>
  void arguments(Values... values) {
    size_t i = 0;
    auto put = [&](auto value) {
      std::memcpy(&launch.params[kernel->params[i++].offset], &value,
                  sizeof value);
    };
    (put(values), ...);
  }

  double run() {
    LaunchStatistics statistics;
    Error error;
    // Of the processor, not of the wall: others may want this core.
    std::clock_t begin = std::clock();
    error = device.run(*kernel, launch, &statistics);
    double time = double(std::clock() - begin) / CLOCKS_PER_SEC;
    check(error);
    if (!device.findings().empty())
      throw moe::rt::Error(moe::rt::ExitCode::internal,
                           device.findings().table());
    row.threadInstructions = statistics.threadInstructions;
    return time;
  }
  void measure() { seconds.push_back(run()); }

  SimRow result() {
    row.medianSeconds = median(seconds);
    row.leastSeconds = smallest(seconds);
    return row;
  }

  SimRow row;
  Launch launch;

private:
  Device device;
  std::unique_ptr<Program> program;
  const Kernel *kernel = nullptr;
  std::vector<double> seconds;
};

/// Small numbers that differ.
float number(size_t i) { return float(i * 2654435761u % 1021) / 1021 - 0.5f; }

std::vector<float> numbers(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = number(i);
  return values;
}

std::vector<uint16_t> halfNumbers(size_t count) {
  std::vector<uint16_t> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = floatToBF16(number(i));
  return values;
}

std::unique_ptr<Contender> matmul(const DeviceOptions &options) {
  const int n = 256;
  auto c = std::make_unique<Contender>("f32 matmul", matmulKernel, options);
  c->launch.grid = {n / 16, n / 16, 1};
  c->launch.block = {16, 16, 1};
  c->arguments(c->upload(numbers(n * n)), c->upload(numbers(n * n)),
               c->upload(numbers(n * n)), n, n, n);
  c->row.flops = 2.0 * n * n * n;
  return c;
}

/// 256 rows for 4 experts of 512 x 512.
std::unique_ptr<Contender> grouped(const DeviceOptions &options) {
  const int rows = 256, n = 512, k = 512, experts = 4;
  const int tileRows = 64, tileColumns = 128;
  auto c =
      std::make_unique<Contender>("fused MoE, bf16", groupedKernel, options);
  c->launch.grid = {rows / tileRows * (n / tileColumns), 1, 1};
  c->launch.block = {128, 1, 1};
  c->launch.dynamicSharedBytes = 49152;
  std::vector<int> tokens(rows), expertOf(rows / tileRows);
  std::iota(tokens.begin(), tokens.end(), 0);
  std::iota(expertOf.begin(), expertOf.end(), 0);
  const Address none = 0;
  c->arguments(c->upload(halfNumbers(rows * k)),
               c->upload(halfNumbers(size_t(experts) * n * k)),
               c->upload(halfNumbers(rows * n)), c->upload(tokens),
               c->upload(expertOf), c->upload(std::vector<int>{rows}),
               c->upload(numbers(rows)), n, k, rows, k, n * k, k, n, none,
               none);
  c->row.flops = 2.0 * rows * n * k;
  return c;
}

} // namespace

double SimResult::ratio(const SimRow &row) const {
  for (const SimRow &plain : rows)
    if (!plain.checked && plain.name == row.name &&
        plain.tensorCores == row.tensorCores)
      return row.medianSeconds / plain.medianSeconds;
  return 0;
}

SimResult moe::bench::runSim(const SimOptions &options) {
  std::vector<std::unique_ptr<Contender>> contenders;
  DeviceOptions device;
  device.device = findProperties("a100");
  for (uint32_t checks : {0u, allChecks}) {
    device.checks = checks;
    contenders.push_back(matmul(device));
    for (bool exact : {true, false}) {
      device.exactTensorCores = exact;
      contenders.push_back(grouped(device));
      contenders.back()->row.tensorCores = exact ? "exact" : "fast";
    }
  }
  for (auto &contender : contenders)
    contender->run(); // warms up
  for (int64_t i = 0; i < options.repeat; ++i)
    for (auto &contender : contenders)
      contender->measure();
  SimResult result;
  for (auto &contender : contenders)
    result.rows.push_back(contender->result());
  return result;
}
