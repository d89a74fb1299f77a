// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe-sim ptxinfo: what a PTX file holds, and whether it is right.
#include "Subcommands.h"
#include "Terminal.h"
#include "moe/PTXSim/Device.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/MappedFile.h"
#include "moe/Target/PTX/Parser.h"
#include "moe/Target/PTX/Resources.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <sstream>

using namespace moe::ptx;
using moe::rt::Error;
using moe::rt::ExitCode;
using moe::rt::MappedFile;
using namespace moe::tool;
using Json = nlohmann::ordered_json;

namespace {

struct PtxInfoOptions {
  std::vector<std::string> files;
  bool json = false, check = false, print = false;
};

std::string version(uint32_t isa) {
  return std::to_string(isa / 10) + "." + std::to_string(isa % 10);
}

std::string targetName(const Target &target) {
  std::string name = "sm_" + std::to_string(target.sm);
  return target.suffix ? name + target.suffix : name;
}

Json describe(const Variable &param) {
  Json json;
  json["name"] = param.name;
  json["type"] = spelling(param.type);
  json["offset"] = param.offset;
  json["bytes"] = param.size();
  json["align"] = param.effectiveAlignment();
  if (param.isPointer)
    json["points_to"] = param.pointee == Space::Generic
                            ? "generic"
                            : std::string(spelling(param.pointee));
  return json;
}

void addExtents(Json &json, const char *name,
                const std::array<uint32_t, 3> &extents) {
  if (extents[0])
    json[name] = extents;
}

void addNumber(Json &json, const char *name, uint32_t value) {
  if (value)
    json[name] = value;
}

/// What the executor says that it cannot run, a row an instruction.
Json notExecuted(std::shared_ptr<const Module> module) {
  Json list = Json::array();
  moe::ptxsim::Options options;
  options.device =
      moe::ptxsim::findProperties(module->target.sm < 90 ? "a100" : "h100");
  moe::ptxsim::Device device(options);
  moe::ptxsim::Error error;
  auto program = moe::ptxsim::Program::load(std::move(module), device, error);
  if (program)
    return list;
  std::istringstream rows(error.message);
  std::string row;
  // Behind the heading of several; else the error is one line.
  bool several = error.message.find('\n') != std::string::npos;
  while (std::getline(rows, row))
    if (std::exchange(several, false))
      continue;
    else
      list.push_back(
          row.substr(std::min(row.find_first_not_of(' '), row.size())));
  return list;
}

Json describe(const Module &module, const Function &entry) {
  Resources resources = resourcesOf(module, entry);
  Json json;
  json["name"] = entry.name;
  json["line"] = entry.location.line;
  json["param_bytes"] = entry.paramBytes();
  json["params"] = Json::array();
  for (const Variable &param : entry.params)
    json["params"].push_back(describe(param));
  json["shared_bytes"] = resources.sharedBytes;
  json["dynamic_shared"] = !resources.dynamicShared.empty();
  json["local_bytes"] = resources.localBytes;
  const RegisterCounts &r = resources.registers;
  json["registers"] = {{"pred", r.predicates}, {"b8", r.bits8},
                       {"b16", r.bits16},      {"b32", r.bits32},
                       {"b64", r.bits64},      {"b128", r.bits128}};
  const Directives &d = entry.directives;
  Json launch = Json::object();
  addExtents(launch, "maxntid", d.maxntid);
  addExtents(launch, "reqntid", d.reqntid);
  addExtents(launch, "reqnctapercluster", d.reqnctapercluster);
  addNumber(launch, "minnctapersm", d.minnctapersm);
  addNumber(launch, "maxnreg", d.maxnreg);
  addNumber(launch, "maxclusterrank", d.maxclusterrank);
  json["launch"] = launch;
  json["calls"] = Json::array();
  for (size_t i = 1; i < resources.functions.size(); ++i)
    json["calls"].push_back(resources.functions[i]->name);
  json["instructions"] = resources.instructionCount;
  json["families"] = Json::object();
  for (auto [family, count] : resources.instructions)
    json["families"][std::string(spelling(family))] = count;
  return json;
}

Json describe(const std::shared_ptr<const Module> &owned) {
  const Module &module = *owned;
  Json json;
  json["file"] = module.fileName;
  json["isa"] = version(module.isa);
  json["target"] = targetName(module.target);
  json["address_size"] = module.addressSize;
  uint64_t globalBytes = 0, constBytes = 0;
  for (const Variable &variable : module.variables) {
    globalBytes += variable.space == Space::Global ? variable.size() : 0;
    constBytes += variable.space == Space::Const ? variable.size() : 0;
  }
  json["global_bytes"] = globalBytes;
  json["const_bytes"] = constBytes;
  json["kernels"] = Json::array();
  for (const Function &function : module.functions)
    if (function.isEntry && function.hasBody)
      json["kernels"].push_back(describe(module, function));
  json["not_executed"] = notExecuted(owned);
  return json;
}

std::string kernelText(const Json &kernel) {
  auto number = [&](const Json &value) {
    return std::to_string(value.get<uint64_t>());
  };
  std::string text = "kernel " + kernel["name"].get<std::string>() + " (line " +
                     number(kernel["line"]) + ")\n";
  text += "  parameters " + number(kernel["param_bytes"]) + " bytes\n";
  for (const Json &param : kernel["params"]) {
    text += "    " + number(param["offset"]) + ": ." +
            param["type"].get<std::string>() + " " +
            param["name"].get<std::string>();
    if (param["bytes"].get<uint64_t>() > 8)
      text += ", " + number(param["bytes"]) + " bytes";
    if (param.contains("points_to"))
      text += ", to " + param["points_to"].get<std::string>();
    text += "\n";
  }
  text += "  shared " + number(kernel["shared_bytes"]) + " bytes" +
          (kernel["dynamic_shared"] ? " and dynamic" : "") + ", local " +
          number(kernel["local_bytes"]) + " bytes\n";
  text += "  registers declared";
  const char *separator = " ";
  for (const auto &[type, count] : kernel["registers"].items())
    if (count != 0) {
      text += separator + number(count) + " ." + type;
      separator = ", ";
    }
  text += "\n";
  for (const auto &[name, value] : kernel["launch"].items()) {
    text += "  ." + name;
    if (value.is_array())
      for (const Json &extent : value)
        text += " " + number(extent);
    else
      text += " " + number(value);
    text += "\n";
  }
  for (const Json &callee : kernel["calls"])
    text += "  calls " + callee.get<std::string>() + "\n";
  text += "  instructions " + number(kernel["instructions"]) + ":";
  separator = " ";
  for (const auto &[family, count] : kernel["families"].items()) {
    text += separator + number(count) + " " + family;
    separator = ", ";
  }
  text += "\n";
  return text;
}

std::string moduleText(const Json &module) {
  std::string text = module["file"].get<std::string>() + ": PTX ISA " +
                     module["isa"].get<std::string>() + ", " +
                     module["target"].get<std::string>() + ", " +
                     std::to_string(module["address_size"].get<int>()) +
                     " bits\n";
  text += "global " + std::to_string(module["global_bytes"].get<uint64_t>()) +
          " bytes, const " +
          std::to_string(module["const_bytes"].get<uint64_t>()) + " bytes\n";
  for (const Json &kernel : module["kernels"])
    text += kernelText(kernel);
  for (const Json &row : module["not_executed"])
    text += "cannot be executed: " + row.get<std::string>() + "\n";
  return text;
}

void runPtxInfo(const PtxInfoOptions &options) {
  bool wrong = false;
  Json list = Json::array();
  Output output;
  for (const std::string &path : options.files) {
    MappedFile file = MappedFile::open(path);
    Diagnostics diagnostics(path);
    std::shared_ptr<const Module> module =
        parseAndVerify(file.text(), diagnostics);
    std::fputs(diagnostics.str().c_str(), stderr);
    wrong |= !module;
    if (!module || options.check)
      continue;
    if (options.print)
      output.write(module->str());
    else if (options.json)
      list.push_back(describe(module));
    else
      output.write(moduleText(describe(module)));
  }
  if (options.json && !options.check && !wrong)
    output.write((list.size() == 1 ? list[0] : list).dump(2) + "\n");
  if (wrong)
    throw Error(ExitCode::inputWrong, ""); // the diagnostics have said it
}

} // namespace

void moe::sim::declarePtxInfo(CLI::App &app, Action &action) {
  auto options = std::make_shared<PtxInfoOptions>();
  CLI::App *command = app.add_subcommand(
      "ptxinfo", "Kernels of PTX files: parameters, memory, registers, "
                 "instructions, and what cannot be executed");
  command->add_option("files", options->files, "PTX files")
      ->type_name("FILE")
      ->required()
      ->take_all();
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--check", options->check, "Only say what is wrong");
  command->add_flag("--print", options->print,
                    "Print the PTX as it was understood");
  command->callback(
      [options, &action] { action = [options] { runPtxInfo(*options); }; });
}
