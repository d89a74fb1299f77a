// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libmoe-reference.so through its C interface, as the runtime uses it.
#include "moe/Runtime/ReferencePlugin.h"

#include "llvm/Support/JSON.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

constexpr const char *layer = R"(
moe.weight @w : tensor<2xf32> from dense<[10.0, 20.0]> : tensor<2xf32>
func.func @layer(%x: tensor<?x2xf32> {moe.name = "x", moe.max_shape = array<i64: 8, 2>},
                 %cache: !moe.kv_cache<static<16>, 1 x 2 x f32>) -> tensor<?x2xf32> {
  %w = moe.get_weight @w : tensor<2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<2xf32>) outs(%x : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
)";

class PluginTest : public testing::Test {
protected:
  void SetUp() override {
    void *library = dlopen(PLUGIN_PATH, RTLD_NOW | RTLD_LOCAL);
    ASSERT_TRUE(library) << dlerror();
    plugin = static_cast<const moe_reference_plugin *>(
        dlsym(library, MOE_REFERENCE_SYMBOL));
    ASSERT_TRUE(plugin);
    ASSERT_EQ(plugin->version, MOE_REFERENCE_VERSION);
    path =
        testing::TempDir() + "moe-plugin-" + std::to_string(getpid()) + ".mlir";
  }
  void TearDown() override {
    if (model)
      plugin->close(model);
    unlink(path.c_str());
  }

  int open(const std::string &text, const char *options = "{}") {
    std::ofstream(path) << text;
    return plugin->open(path.c_str(), options, &model, error, sizeof error);
  }

  const moe_reference_plugin *plugin = nullptr;
  moe_reference_model *model = nullptr;
  std::string path;
  char error[256] = "";
};

TEST_F(PluginTest, DescribesAndRuns) {
  ASSERT_EQ(open(layer), 0) << error;
  auto description = llvm::json::parse(plugin->description(model));
  ASSERT_TRUE(static_cast<bool>(description));
  auto expected = llvm::json::parse(R"({
    "dtype": "f32",
    "memory": {"weights_bytes": 8, "kv_bytes": 1152, "arena_bytes": 0},
    "kv": {"policy": "static", "layers": [
      {"policy": "static", "length": 16, "capacity": 16, "heads": 1, "key_dim": 2, "value_dim": 2,
       "dtype": "f32", "offset": 0, "bytes": 1152}]},
    "entries": {"layer": {"symbol": "",
      "args": [{"name": "x", "dtype": "f32", "shape": [-1, 2], "max_shape": [8, 2]}],
      "results": [{"name": "result0", "dtype": "f32", "shape": [-1, 2], "max_shape": [8, 2]}]}}})");
  ASSERT_TRUE(static_cast<bool>(expected));
  EXPECT_EQ(*description, *expected);

  float input[] = {1, 2, 3, 4}, output[4] = {};
  moe_tensor tensors[] = {{input, {2, 2}}, {output, {2, 2}}};
  ASSERT_EQ(plugin->run(model, "layer", tensors, error, sizeof error), 0)
      << error;
  EXPECT_EQ(std::vector<float>(output, output + 4),
            (std::vector<float>{11, 22, 13, 24}));
  plugin->reset(model);

  tensors[1].shape[0] = 1;
  EXPECT_EQ(plugin->run(model, "layer", tensors, error, sizeof error), 1);
  EXPECT_EQ(std::string(error), path + ": layer result 0: expected shape "
                                       "[1, 2], got [2, 2]");
  EXPECT_EQ(plugin->run(model, "other", tensors, error, sizeof error), 1);
  EXPECT_EQ(std::string(error),
            path + ": expected an entry called other, got none");
}

TEST_F(PluginTest, NamesWhatIsWrongWithTheFile) {
  EXPECT_EQ(open("func.func @f() { return"), 1);
  EXPECT_EQ(std::string(error).rfind(path + ": 1:", 0), 0u) << error;
  EXPECT_EQ(open("func.func private @f()"), 1);
  EXPECT_EQ(std::string(error),
            path + ": expected a public function, got none");
  EXPECT_EQ(open("func.func @f(%x: tensor<?xf32>) { return }"), 1);
  EXPECT_EQ(std::string(error), path + ": f.arg0: expected moe.max_shape to "
                                       "bound dimension 0, got none");
  EXPECT_EQ(open("func.func @f(%x: tensor<2xf64>) { return }"), 3);
  EXPECT_EQ(plugin->open("/nowhere.mlir", "{}", &model, error, sizeof error),
            1);
}

TEST_F(PluginTest, ChecksOptions) {
  EXPECT_EQ(open(layer, R"({"dtype": "int8"})"), 3);
  EXPECT_EQ(open(layer, R"({"kv": "none"})"), 3);
  EXPECT_EQ(open(layer, R"({"batch": 0})"), 1);
  EXPECT_EQ(open(layer, R"({"colour": 1})"), 1);
  EXPECT_EQ(open(layer, "[]"), 1);
}

TEST_F(PluginTest, CutsMessagesToTheBuffer) {
  char small[8];
  EXPECT_EQ(plugin->open("/nowhere.mlir", "{}", &model, small, sizeof small),
            1);
  EXPECT_EQ(std::string(small), "/nowher");
}

} // namespace
