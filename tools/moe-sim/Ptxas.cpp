// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe-sim ptxas: assembles as ptxas does, and keeps the PTX in the result,
// which is a fat binary of both: a GPU takes the machine code, the simulated
// device the PTX. Without a ptxas at hand the PTX is only verified.
#include "Subcommands.h"
#include "Terminal.h"
#include "moe/Runtime/Error.h"
#include "moe/Target/PTX/Parser.h"

#include <CLI/CLI.hpp>

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace moe::rt;
namespace fs = std::filesystem;

namespace {

/// What is said to be there when no ptxas is: Triton chooses the version of PTX
/// by it.
constexpr const char *ownVersion =
    "Cuda compilation tools, release 12.8, V12.8.93\n";

/// The real assembler: MOE_SIM_PTXAS, else that of a toolkit, else one in PATH;
/// empty without any.
std::string realPtxas() {
  if (const char *named = std::getenv("MOE_SIM_PTXAS"))
    return named;
  std::vector<fs::path> places{"/usr/local/cuda/bin"};
  if (const char *home = std::getenv("CUDA_HOME"))
    places.insert(places.begin(), fs::path(home) / "bin");
  std::stringstream path(std::getenv("PATH") ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(path, folder, ':');)
    places.push_back(folder);
  for (const fs::path &folder : places)
    if (access((folder / "ptxas").c_str(), X_OK) == 0)
      return (folder / "ptxas").string();
  return "";
}

struct Arguments {
  std::string input, output = "elf.o";
  unsigned arch = 0;
};

/// The few of ptxas's options that matter here.
Arguments read(const std::vector<std::string> &arguments) {
  Arguments result;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &argument = arguments[i];
    if ((argument == "-o" || argument == "--output-file") &&
        i + 1 < arguments.size())
      result.output = arguments[++i];
    else if (size_t at = argument.find("sm_");
             argument[0] == '-' && at != std::string::npos)
      result.arch = std::strtoul(argument.c_str() + at + 3, nullptr, 10);
    else if (argument[0] != '-' && fs::path(argument).extension() == ".ptx")
      result.input = argument;
  }
  return result;
}

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(ExitCode::inputWrong, path + ": cannot be read");
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

template <typename T>
void put(std::string &out, T value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof value);
}

/// An entry of a fat binary: kind 1 is PTX, 2 machine code.
void putEntry(std::string &out, uint16_t kind, unsigned arch,
              std::string data) {
  if (kind == 1)
    data.push_back('\0');
  data.resize((data.size() + 7) / 8 * 8);
  constexpr uint64_t is64Bits = 1, isLinux = 0x10;
  put<uint16_t>(out, kind);
  put<uint16_t>(out, 0x101);
  put<uint32_t>(out, 64); // bytes of this header
  put<uint64_t>(out, data.size());
  put<uint64_t>(out, 0); // not compressed, no options
  put<uint16_t>(out, 0);
  put<uint16_t>(out, 8);
  put<uint32_t>(out, arch);
  put<uint64_t>(out, 0); // no name
  put<uint64_t>(out, is64Bits | isLinux);
  put<uint64_t>(out, 0);
  put<uint64_t>(out, 0);
  out += data;
}

void writeFatbin(const Arguments &arguments, const std::string &ptx,
                 const std::string &cubin) {
  std::string entries, out;
  if (!cubin.empty())
    putEntry(entries, 2, arguments.arch, cubin);
  putEntry(entries, 1, arguments.arch, ptx);
  put<uint32_t>(out, 0xba55ed50);
  put<uint16_t>(out, 1);
  put<uint16_t>(out, 16);
  put<uint64_t>(out, entries.size());
  std::ofstream(arguments.output, std::ios::binary | std::ios::trunc)
      << out << entries;
}

/// Runs it to its end; its exit code.
int runTool(const std::string &tool,
            const std::vector<std::string> &arguments) {
  std::vector<char *> pointers{const_cast<char *>(tool.c_str())};
  for (const std::string &argument : arguments)
    pointers.push_back(const_cast<char *>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_t child;
  if (int error = posix_spawn(&child, tool.c_str(), nullptr, nullptr,
                              pointers.data(), environ))
    throw Error(ExitCode::inputWrong,
                tool + ": cannot be run: " + std::strerror(error));
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void assemble(const std::vector<std::string> &all) {
  std::string tool = realPtxas();
  for (const std::string &argument : all)
    if (argument == "--version" || argument == "-V") {
      if (tool.empty())
        moe::tool::Output().write(ownVersion);
      else if (int code = runTool(tool, all))
        throw Error(ExitCode(code), "");
      return;
    }
  Arguments arguments = read(all);
  if (arguments.input.empty())
    throw Error(ExitCode::commandLine, "ptxas: no .ptx file is named");
  std::string ptx = readFile(arguments.input), cubin;
  if (tool.empty()) {
    moe::ptx::Diagnostics diagnostics(arguments.input);
    if (!moe::ptx::parseAndVerify(ptx, diagnostics))
      throw Error(ExitCode::inputWrong, diagnostics.str());
  } else {
    if (int code = runTool(tool, all))
      throw Error(ExitCode(code), "");
    cubin = readFile(arguments.output);
  }
  writeFatbin(arguments, ptx, cubin);
}

} // namespace

void moe::sim::declarePtxas(CLI::App &app, Action &action,
                            std::vector<std::string> arguments) {
  CLI::App *command = app.add_subcommand(
      "ptxas", "Assemble PTX by the real ptxas (MOE_SIM_PTXAS names it) and "
               "keep the PTX in the output");
  command->callback([arguments = std::move(arguments), &action] {
    action = [arguments] { assemble(arguments); };
  });
}
