// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Analysis/Machine.h"

#include "moe/Import/Error.h"
#include "moe/Import/StrictJson.h"

#include <cmath>

using namespace mlir::moe;

llvm::ArrayRef<Machine> mlir::moe::getKnownMachines() {
  // CPUs: cores * GHz * operations a cycle; channels * transfers * 8 bytes.
  // GPUs: the vendor's data sheets, dense, SXM boards.
  static const Machine machines[] = {
      // 8 cores of 3 GHz, AVX2 (2 fused multiply-adds of 8 lanes); bf16 is
      // extended to f32. 2 channels DDR5-5600.
      {"cpu-desktop", 89.6, 768.0, 768.0},
      // 64 cores of 2 GHz, AVX-512 (2 of 16 lanes) and AMX (2048 a cycle). 8
      // channels DDR5-4800.
      {"cpu-server", 307.2, 8192.0, 262144.0},
      {"a100", 2039.0, 19500.0, 312000.0},
      {"h100", 3350.0, 67000.0, 989000.0},
      {"h200", 4800.0, 67000.0, 989000.0},
  };
  return machines;
}

static llvm::Error readPositive(const llvm::json::Object &object,
                                llvm::StringRef path, llvm::StringRef key,
                                double &number) {
  const llvm::json::Value *value = object.get(key);
  std::optional<double> read = value ? value->getAsNumber() : std::nullopt;
  if (!read || !std::isfinite(*read) || *read <= 0)
    return expectedGot(path, key, "a positive number",
                       value ? describe(*value) : "nothing");
  number = *read;
  return llvm::Error::success();
}

static llvm::Expected<Machine> readMachine(llvm::StringRef path) {
  llvm::Expected<llvm::json::Object> object = readStrictJsonObject(path);
  if (!object)
    return object.takeError();
  Machine machine;
  for (const auto &[key, value] : *object)
    if (key != "name" && key != "bandwidth_gbs" && key != "f32_gflops" &&
        key != "bf16_gflops")
      return expectedGot(
          path, key.str(),
          "the keys name, bandwidth_gbs, f32_gflops and bf16_gflops",
          "this one");
  std::optional<llvm::StringRef> name = object->getString("name");
  if (!name)
    return expectedGot(path, "name", "a string",
                       object->get("name") ? describe(*object->get("name"))
                                           : "nothing");
  machine.name = name->str();
  if (llvm::Error error =
          readPositive(*object, path, "bandwidth_gbs", machine.bandwidthGBs))
    return error;
  if (llvm::Error error =
          readPositive(*object, path, "f32_gflops", machine.f32GFlops))
    return error;
  machine.bf16GFlops = machine.f32GFlops;
  if (object->get("bf16_gflops"))
    if (llvm::Error error =
            readPositive(*object, path, "bf16_gflops", machine.bf16GFlops))
      return error;
  return machine;
}

/// BANDWIDTH:F32[:BF16]
static std::optional<Machine> parseNumbers(llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ':');
  if (parts.size() != 2 && parts.size() != 3)
    return std::nullopt;
  llvm::SmallVector<double> numbers;
  for (llvm::StringRef part : parts)
    if (double number = 0.0; part.getAsDouble(number) || !(number > 0.0))
      return std::nullopt;
    else
      numbers.push_back(number);
  return Machine{text.str(), numbers[0], numbers[1], numbers.back()};
}

llvm::Expected<Machine> Machine::parse(llvm::StringRef text) {
  if (text.ends_with(".json"))
    return readMachine(text);
  if (std::optional<Machine> machine = parseNumbers(text))
    return *machine;
  std::string names;
  for (const Machine &machine : getKnownMachines()) {
    if (machine.name == text)
      return machine;
    names += machine.name + ", ";
  }
  return expectedGot("machine", "",
                     names + "GBS:F32-GFLOPS[:BF16-GFLOPS] or a .json file",
                     "'" + text + "'");
}
