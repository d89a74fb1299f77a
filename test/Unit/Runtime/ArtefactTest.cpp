// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Artefact.h"
#include "FakeArtefact.h"

#include <filesystem>

using namespace moe::rt;
using nlohmann::json;

namespace {

void expectOpenError(const FakeArtefact &artefact, ExitCode code,
                     const std::string &text,
                     Verify verify = Verify::automatic) {
  expectError(code, text, [&] { Artefact::open(artefact.path(), verify); });
}

} // namespace

TEST(Artefact, Opens) {
  FakeArtefact whole;
  EXPECT_TRUE(isArtefact(whole.path()));
  for (Verify verify : {Verify::automatic, Verify::full, Verify::none}) {
    Artefact artefact = Artefact::open(whole.path(), verify);
    EXPECT_EQ(artefact.weights().size(), size_t{FAKE_VOCAB * 4});
    EXPECT_TRUE(artefact.entry(0));
  }
}

TEST(Artefact, AFlippedByteIsSeenInEveryFile) {
  for (const char *file :
       {"manifest.json", "manifest.json.xxh3", "code.so", "weights.bin"}) {
    FakeArtefact artefact;
    artefact.flipByte(file,
                      std::filesystem::file_size(artefact.path(file)) / 2);
    expectOpenError(artefact, ExitCode::inputWrong, artefact.path(file));
  }
}

TEST(Artefact, KernelsAreCheckedAsAnyFile) {
  FakeArtefact files(FAKE_DEVICE_CODE, fakeDeviceManifest());
  files.addFile("kernels/model.json", "{}");
  Artefact artefact = Artefact::open(files.path());
  EXPECT_EQ(artefact.kernels("kernels/model.ptx")->text(),
            readBytes(FAKE_KERNELS));
  EXPECT_FALSE(artefact.kernels("kernels/model.cubin"));
  EXPECT_TRUE(artefact.deviceFailure());
  for (const char *file : {"kernels/model.ptx", "kernels/model.json"}) {
    files.flipByte(file, 1);
    expectOpenError(files, ExitCode::inputWrong, files.path(file) + ": xxh3");
    files.flipByte(file, 1);
  }
  std::filesystem::remove_all(files.path("kernels"));
  expectOpenError(files, ExitCode::inputWrong,
                  "model.json: expected a readable");
}

TEST(Artefact, ATruncatedFileIsSeenEvenUnverified) {
  for (const char *file : {"code.so", "weights.bin"})
    for (uintmax_t size : {uintmax_t{0}, uintmax_t{20}}) {
      FakeArtefact artefact;
      std::filesystem::resize_file(artefact.path(file), size);
      expectOpenError(artefact, ExitCode::inputWrong,
                      artefact.path(file) + ": size: expected", Verify::none);
    }
}

TEST(Artefact, AMissingFileIsNamed) {
  for (const char *file :
       {"manifest.json", "manifest.json.xxh3", "code.so", "weights.bin"}) {
    FakeArtefact artefact;
    std::filesystem::remove(artefact.path(file));
    expectOpenError(artefact, ExitCode::inputWrong,
                    artefact.path(file) + ": expected a readable file");
  }
}

TEST(Artefact, ADirectoryInPlaceOfAFileIsNamed) {
  FakeArtefact artefact;
  std::filesystem::remove(artefact.path("weights.bin"));
  std::filesystem::create_directory(artefact.path("weights.bin"));
  expectOpenError(artefact, ExitCode::inputWrong, "not a regular file");
}

TEST(Artefact, AForeignVersionIsUnsupported) {
  FakeArtefact artefact;
  json manifest = artefact.manifest();
  manifest["version"] = 99;
  artefact.writeManifest(manifest);
  expectOpenError(artefact, ExitCode::unsupported, "version: expected 1");
}

TEST(Artefact, AMissingProcessorFeatureIsNamed) {
  FakeArtefact artefact;
  json manifest = artefact.manifest();
  manifest["target"]["features"].push_back("avx1024");
  artefact.writeManifest(manifest);
  expectOpenError(artefact, ExitCode::unsupported,
                  "target.features: expected a processor with avx1024");
}

TEST(Artefact, AnotherArchitectureIsNamed) {
  FakeArtefact artefact;
  json manifest = artefact.manifest();
  manifest["target"]["triple"] = "riscv64-unknown-linux-gnu";
  artefact.writeManifest(manifest);
  expectOpenError(artefact, ExitCode::unsupported, "target.triple");
}

TEST(Artefact, ALyingSizeIsRefused) {
  FakeArtefact artefact;
  json manifest = artefact.manifest();
  manifest["files"]["code.so"]["bytes"] = 17;
  artefact.writeManifest(manifest);
  expectOpenError(artefact, ExitCode::inputWrong, "code.so: size: expected 17");
}

TEST(Artefact, AForeignAbiIsUnsupported) {
  expectOpenError(FakeArtefact(FAKE_CODE_OTHER_ABI), ExitCode::unsupported,
                  "moe_abi_version: expected 3, got 2");
}

TEST(Artefact, AMissingSymbolIsNamed) {
  expectOpenError(FakeArtefact(FAKE_CODE_WITHOUT_DECODE), ExitCode::inputWrong,
                  "code.so: moe_entry_decode: expected an exported symbol");
}

TEST(Artefact, CodeThatIsNotASharedObjectIsRefused) {
  expectOpenError(FakeArtefact(__FILE__), ExitCode::inputWrong,
                  "expected a loadable shared object");
}
