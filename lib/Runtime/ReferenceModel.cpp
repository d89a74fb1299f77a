// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/ReferencePlugin.h"

#include "moe/Runtime/Error.h"
#include "moe/Runtime/Executable.h"

#include <dlfcn.h>

using namespace moe::rt;

namespace {

constexpr size_t messageBytes = 4096;

class ReferenceModel final : public Executable {
public:
  ReferenceModel(const std::string &path, const std::string &modelPath,
                 const std::string &options)
      : plugin(load(path)) {
    char message[messageBytes] = "";
    check(plugin.open(modelPath.c_str(), options.c_str(), &model, message,
                      sizeof message),
          message);
    try {
      contents = Description::parse(plugin.description(model), modelPath);
    } catch (...) {
      plugin.close(model);
      throw;
    }
  }
  ~ReferenceModel() override { plugin.close(model); }

  const Description &description() const override { return contents; }
  void run(size_t entry, const moe_tensor *tensors) override {
    char message[messageBytes] = "";
    check(plugin.run(model, contents.entries[entry].name.c_str(), tensors,
                     message, sizeof message),
          message);
  }
  void reset() override { plugin.reset(model); }
  DeviceInfo device() const override { return {"reference"}; }

private:
  /// The library stays loaded: one that holds a compiler does not unload well.
  static const moe_reference_plugin &load(const std::string &path) {
    void *library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      throw Error::mismatch(path, "", "the reference evaluator", ::dlerror(),
                            ExitCode::unsupported);
    auto *plugin = static_cast<const moe_reference_plugin *>(
        ::dlsym(library, MOE_REFERENCE_SYMBOL));
    if (!plugin || plugin->version != MOE_REFERENCE_VERSION)
      throw Error::mismatch(path, MOE_REFERENCE_SYMBOL,
                            "version " + std::to_string(MOE_REFERENCE_VERSION),
                            plugin ? std::to_string(plugin->version)
                                   : "nothing",
                            ExitCode::unsupported);
    return *plugin;
  }

  static void check(int32_t code, const char *message) {
    if (code != 0)
      throw Error(static_cast<ExitCode>(code), message);
  }

  const moe_reference_plugin &plugin;
  moe_reference_model *model = nullptr;
  Description contents;
};

} // namespace

std::unique_ptr<Executable>
moe::rt::openReferenceModel(const std::string &plugin, const std::string &model,
                            const std::string &options) {
  return std::make_unique<ReferenceModel>(plugin, model, options);
}
