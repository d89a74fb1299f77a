// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CompileOnUse.h"

#include "Terminal.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/HostFeatures.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace moe::rt;
using namespace moe::tool;
namespace fs = std::filesystem;

namespace {

/// A file as the key sees it: another size or time is another file.
std::string fingerprint(const fs::path &path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    return path.string() + " is missing\n";
  return path.string() + " " + std::to_string(status.st_size) + " " +
         std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec) + "\n";
}

/// The files a compilation may read: all in a model directory; a .mlir file and
/// the checkpoints beside it.
std::vector<fs::path> inputFiles(const fs::path &model) {
  std::error_code error;
  bool isDirectory = fs::is_directory(model, error);
  fs::path folder = isDirectory ? model : model.parent_path();
  std::vector<fs::path> files;
  fs::directory_iterator entries(folder, error);
  if (error)
    throw Error(ExitCode::inputWrong,
                folder.string() + ": cannot list: " + error.message());
  for (const fs::directory_entry &entry : entries)
    if ((isDirectory || entry.path().extension() == ".safetensors") &&
        entry.is_regular_file(error))
      files.push_back(entry.path());
  if (!isDirectory)
    files.push_back(model);
  std::sort(files.begin(), files.end());
  return files;
}

std::string findCompiler() {
  std::vector<fs::path> folders = {programFolder()};
  std::string path = std::getenv("PATH") ? std::getenv("PATH") : "";
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find(':', begin), path.size());
    folders.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const fs::path &folder : folders)
    if (fs::path program = folder / "moe-compile";
        ::access(program.c_str(), X_OK) == 0)
      return program;
  throw Error::mismatch("moe-compile", "",
                        std::string("a program beside ") +
                            program_invocation_short_name + " or in PATH",
                        "nothing", ExitCode::unsupported);
}

/// Keeps two processes from compiling the same thing at once.
class Lock {
public:
  explicit Lock(const std::string &path)
      : descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor < 0)
      throw Error(ExitCode::inputWrong,
                  path + ": cannot create: " + std::strerror(errno));
    ::flock(descriptor, LOCK_EX);
  }
  ~Lock() { ::close(descriptor); }
  Lock(const Lock &) = delete;
  Lock &operator=(const Lock &) = delete;

private:
  int descriptor;
};

/// Runs a program with its stdout on our stderr; returns what waitpid says.
int runProgram(const std::vector<std::string> &arguments) {
  std::vector<char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  // We ignore SIGPIPE; the compiler need not.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child;
  int code = ::posix_spawn(&child, argv[0], &actions, &attributes, argv.data(),
                           environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0)
    throw Error(ExitCode::internal,
                arguments[0] + ": cannot start: " + std::strerror(code));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

void compile(const std::string &compiler, const std::string &model,
             const std::string &output, const CompileOptions &options) {
  std::vector<std::string> arguments = {compiler, model, "-o", output};
  for (const std::string &argument : options.arguments())
    arguments.push_back(argument);
  int status = runProgram(arguments);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    throw Error(static_cast<ExitCode>(WEXITSTATUS(status)), "");
  if (!WIFEXITED(status))
    throw Error(ExitCode::internal, compiler + ": ended by signal " +
                                        std::to_string(WTERMSIG(status)));
}

} // namespace

std::vector<std::string> CompileOptions::arguments() const {
  std::vector<std::string> arguments;
  auto add = [&](const char *option, const auto &value) {
    if (value)
      arguments.push_back(std::string(option) + "=" + *value);
  };
  auto text = [](const std::optional<int64_t> &value) {
    return value ? std::optional(std::to_string(*value)) : std::nullopt;
  };
  add("--target", target);
  add("--dtype", dtype);
  add("--kv", kv);
  add("--max-len", text(maxLength));
  add("--batch", text(batch));
  if (!fuse)
    arguments.push_back("--fuse=false");
  return arguments;
}

std::string moe::tool::cacheFolder() {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  const char *home = std::getenv("HOME");
  fs::path folder;
  if (cache && *cache == '/')
    folder = fs::path(cache) / "moe";
  else if (home && *home)
    folder = fs::path(home) / ".cache" / "moe";
  else
    throw Error::mismatch("XDG_CACHE_HOME, HOME", "", "a folder for the cache",
                          "nothing");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error(ExitCode::inputWrong,
                folder.string() + ": cannot create: " + error.message());
  return folder;
}

std::string moe::tool::programFolder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

std::string moe::tool::compiledPath(const std::string &model,
                                    const CompileOptions &options, bool again) {
  std::error_code error;
  fs::path input = fs::canonical(model, error);
  if (error)
    throw Error(ExitCode::inputWrong, model + ": " + error.message());
  std::string compiler = findCompiler();
  std::string identity = fingerprint(compiler);
  for (const fs::path &file : inputFiles(input))
    identity += fingerprint(file);
  identity += input.string() + "\n";
  for (const std::string &argument : options.arguments())
    identity += argument + "\n";
  for (const std::string &feature : hostFeatures())
    identity += feature + " ";

  std::string key = formatHash(hashBytes(identity.data(), identity.size()));
  fs::path output = fs::path(cacheFolder()) / key;
  Lock lock(output.string() + ".lock");
  if (isArtefact(output) && !again)
    return output;
  fs::remove_all(output, error);
  say("compiling " + model + (again ? " again" : " (first use)") + " into " +
      output.string());
  compile(compiler, input, output, options);
  return output;
}
