// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies of boxes of tensors: dimensions, swizzles, bounds, strides of
// elements, reductions, several blocks, and tensor maps that kernels make.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"
#include "moe/PTXSim/TensorMap.h"

#include <algorithm>
#include <numeric>

using namespace moe::ptxsim;

namespace {

/// A box of 32-bit elements and where it begins.
struct Box {
  std::vector<uint32_t> dims, box, strides;
  std::vector<int> at;
  uint8_t swizzle = 0, fill = 0, type = 3;

  unsigned rank() const { return unsigned(dims.size()); }
  uint32_t count(unsigned i) const {
    uint32_t stride = i ? strides[i] : 1;
    return (box[i] + stride - 1) / stride;
  }
  uint32_t elements() const {
    uint32_t product = 1;
    for (unsigned i = 0; i < rank(); ++i)
      product *= count(i);
    return product;
  }
  /// Rows of the tensor are padded to multiples of 16 bytes.
  uint32_t pitch() const { return (dims[0] + 3) / 4 * 4; }
  uint32_t tensorElements() const {
    uint32_t product = pitch();
    for (unsigned i = 1; i < rank(); ++i)
      product *= dims[i];
    return product;
  }
  /// Of element `index` of the box; -1: outside.
  int64_t placeInTensor(uint32_t index) const {
    int64_t place = 0, scale = 1;
    for (unsigned i = 0; i < rank(); ++i) {
      int64_t x = at[i] + int64_t(index % count(i)) * (i ? strides[i] : 1);
      index /= count(i);
      if (x < 0 || x >= dims[i])
        return -1;
      place += x * scale;
      scale *= i ? dims[i] : pitch();
    }
    return place;
  }
  /// 16-byte parts of each line of 128 bytes are exchanged: part p of line l is
  /// where p xor l is, with as many bits as the swizzle has parts; one of 64
  /// bytes looks at every second line, one of 32 at every fourth.
  uint32_t placeInTile(uint32_t index) const {
    uint32_t byte = index * 4, part = byte / 16, line = part / 8;
    uint32_t bits = swizzle == 3 ? 7 : swizzle == 2 ? 3 : swizzle == 1 ? 1 : 0;
    return ((part ^ (line & bits)) * 16 + byte % 16) / 4;
  }
  TensorMap map(Address address) const {
    TensorMap map;
    map.rank = uint8_t(rank());
    map.dataType = type;
    map.swizzle = swizzle;
    map.oobFill = fill;
    map.globalAddress = address;
    uint64_t bytes = pitch() * 4;
    for (unsigned i = 0; i < rank(); ++i) {
      map.dims[i] = dims[i];
      map.box[i] = uint16_t(box[i]);
      map.elementStrides[i] = uint8_t(strides[i]);
      if (i + 1 < rank())
        map.strides[i] = bytes;
      bytes *= i + 1 < rank() ? dims[i + 1] : 1;
    }
    EXPECT_EQ(map.validate(), "");
    return map;
  }
};

struct BoxTest : ::testing::TestWithParam<Box> {};

TEST_P(BoxTest, IsLoadedStoredAndAdded) {
  Box box = GetParam();
  std::vector<uint32_t> in(box.tensorElements());
  std::iota(in.begin(), in.end(), 1000);
  uint32_t outside = box.fill ? 0x7fffffff : 0;
  for (const Options &options : everyOrder("h100"))
    for (int adds : {0, 1}) {
      if (adds && box.type != 3)
        continue;
      Sim sim(options);
      sim.loadFile("hopper.ptx");
      std::vector<uint32_t> filled(in.size(), 7), tile(box.elements()),
          stored = filled;
      for (uint32_t i = 0; i < box.elements(); ++i) {
        int64_t place = box.placeInTensor(i);
        tile[box.placeInTile(i)] = place < 0 ? outside : in[place];
        if (place >= 0)
          stored[place] = in[place] + (adds ? 7 : 0);
      }
      Address from = sim.upload(in), to = sim.upload(filled);
      Address raw = sim.upload(std::vector<uint32_t>(tile.size()));
      std::vector<int> at = box.at;
      at.resize(5);
      EXPECT_RUNS(sim.run("tensor" + std::to_string(box.rank()), {1, 1, 1},
                          {64, 1, 1}, uint32_t(tile.size() * 4), box.map(from),
                          box.map(to), sim.upload(at), raw,
                          uint32_t(tile.size() * 4), adds));
      EXPECT_EQ(sim.download<uint32_t>(raw, tile.size()), tile);
      EXPECT_EQ(sim.download<uint32_t>(to, in.size()), stored);
    }
}

INSTANTIATE_TEST_SUITE_P(
    TensorCopy, BoxTest,
    ::testing::Values(
        Box{{100}, {32}, {1}, {40}}, Box{{100}, {32}, {1}, {84}},
        Box{{100}, {32}, {1}, {-5}}, Box{{33, 9}, {32, 8}, {1, 1}, {8, 4}, 3},
        Box{{33, 9}, {32, 8}, {1, 1}, {-8, -3}, 3, 1, 7},
        Box{{64, 9}, {16, 8}, {1, 1}, {16, 4}, 2},
        Box{{64, 30}, {8, 16}, {1, 1}, {16, 4}, 1},
        Box{{64, 30}, {256, 4}, {1, 1}, {0, 28}},
        Box{{20, 7, 5}, {8, 4, 3}, {1, 1, 1}, {16, 5, 3}},
        Box{{20, 7, 5}, {8, 6, 3}, {1, 2, 3}, {4, 1, 1}, 1},
        Box{{20, 4, 3, 5}, {4, 2, 2, 3}, {1, 1, 1, 1}, {16, 3, -1, 4}},
        Box{{8, 3, 4, 2, 5}, {8, 2, 2, 2, 2}, {1, 1, 1, 1, 1}, {4, 2, 1, 1, 4}},
        Box{{8, 3, 4, 2, 5},
            {8, 2, 2, 2, 2},
            {1, 1, 1, 1, 1},
            {100, 2, 1, 1, 4}}));

TEST(TensorCopy, GoesToSeveralBlocks) {
  std::vector<int> in(16 * 32), line(128);
  std::iota(in.begin(), in.end(), 0);
  std::iota(line.begin(), line.end(), 5000);
  Box box{{32, 16}, {32, 4}, {1, 1}, {0, 0}, 3};
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("hopper.ptx");
    sim.cluster = {4, 1, 1};
    Address out = sim.upload(std::vector<int>(4 * 640));
    EXPECT_RUNS(sim.run("multicast", {4, 1, 1}, {32, 1, 1}, 2048,
                        box.map(sim.upload(in)), sim.upload(line), out));
    auto got = sim.download<int>(out, 4 * 640);
    for (int rank = 0; rank < 4; ++rank) {
      for (uint32_t i = 0; i < 512; ++i)
        ASSERT_EQ(got[rank * 640 + int(box.placeInTile(i))], int(i));
      for (int i = 0; i < 128; ++i)
        ASSERT_EQ(got[rank * 640 + 512 + i], i / 32 == rank ? 0 : 5000 + i);
    }
  }
}

TEST(TensorCopy, WithMapsThatAKernelMakes) {
  // 20 x 10 elements, a box of 8 x 8 at (16, -2), the swizzle of 32 bytes.
  std::vector<int> in(200);
  std::iota(in.begin(), in.end(), 1);
  Box box{{20, 10}, {8, 8}, {1, 1}, {16, -2}, 1};
  std::vector<int> tile(64);
  for (uint32_t i = 0; i < 64; ++i)
    tile[box.placeInTile(i)] =
        box.placeInTensor(i) < 0 ? 0 : in[box.placeInTensor(i)];
  // The second map begins four elements later.
  std::vector<int> expected = tile;
  for (int x : tile)
    expected.push_back(x ? x + 4 : 0);
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("hopper.ptx");
    Address maps = sim.upload(std::vector<uint8_t>(256, 0xee));
    Address out = sim.upload(std::vector<int>(128));
    Address other = sim.upload(std::vector<int>(200, 9));
    EXPECT_RUNS(sim.run("make_maps", {1, 1, 1}, {32, 1, 1}, 0, box.map(other),
                        sim.upload(in), maps, out));
    EXPECT_EQ(sim.download<int>(out, 128), expected);
    // Without the fence copies may see the first map again.
    std::string text = Sim::readInput("hopper.ptx");
    size_t fence = text.find("fence.proxy.tensormap::generic.acquire");
    ASSERT_NE(fence, std::string::npos);
    while (fence != std::string::npos) {
      text.insert(fence, "//");
      fence = text.find("fence.proxy.tensormap::generic.acquire", fence + 3);
    }
    ASSERT_TRUE(sim.load(text)) << sim.error.str();
    EXPECT_RUNS(sim.run("make_maps", {1, 1, 1}, {32, 1, 1}, 0, box.map(other),
                        sim.upload(in), maps, out));
    EXPECT_EQ(sim.download<int>(out, 128) == expected,
              options.async == AsyncOrder::Early);
  }
}

TEST(TensorCopy, RoundsAndFlushesWhatTheMapSays) {
  std::vector<float> in{1.0f, 1e-40f, -1e-40f, 1.0f + 1.0f / 4096,
                        3.0f, 0.1f,   -2.5f,   1e30f};
  for (uint8_t type : {7, 10, 11, 12}) {
    Sim sim("h100");
    sim.loadFile("hopper.ptx");
    Box box{{8}, {8}, {1}, {0}, 0, 0, type};
    Address raw = sim.upload(std::vector<float>(8));
    EXPECT_RUNS(sim.run("tensor1", {1, 1, 1}, {32, 1, 1}, 32,
                        box.map(sim.upload(in)), box.map(sim.upload(in)),
                        sim.upload(std::vector<int>(5)), raw, 32u, 0));
    auto got = sim.download<float>(raw, 8);
    for (int i = 0; i < 8; ++i) {
      float x = in[i];
      if (type == 10 || type == 12)
        x = flushSubnormal(x);
      if (type == 11 || type == 12)
        x = bitCast<float>(encodeTF32(x, Rounding::NearestEven));
      EXPECT_EQ(bitCast<uint32_t>(got[i]), bitCast<uint32_t>(x))
          << int(type) << " " << i;
    }
  }
}

class TensorFaults : public ::testing::Test {
protected:
  TensorFaults() : sim("h100") { sim.loadFile("hopper.ptx"); }

  void expect(const TensorMap &map, ErrorKind kind, const char *what,
              const char *kernel = "tensor2", uint32_t bytes = 128,
              int adds = 0) {
    Error error = sim.run(kernel, {1, 1, 1}, {32, 1, 1}, 4096, map, map,
                          sim.upload(std::vector<int>(5)),
                          sim.upload(std::vector<uint32_t>(64)), bytes, adds);
    EXPECT_EQ(int(error.kind), int(kind)) << error.str();
    EXPECT_NE(error.message.find(what), std::string::npos) << error.str();
  }

  Sim sim;
  Box box{{8, 8}, {8, 4}, {1, 1}, {0, 0}};
  Address tensor = sim.upload(std::vector<int>(64));
};

TEST_F(TensorFaults, OfTheMap) {
  TensorMap map = box.map(tensor);
  expect(map, ErrorKind::IllegalInstruction, "the tensor map has 2 dimensions",
         "tensor3");
  TensorMap none = map;
  none.magic = 0;
  expect(none, ErrorKind::IllegalInstruction, "this is no tensor map");
  TensorMap broken = map;
  broken.box[0] = 257;
  expect(broken, ErrorKind::IllegalInstruction,
         "tensor map: box dimension 0 must be 1 to 256, got 257");
  TensorMap atoms = map;
  atoms.swizzle = 4;
  expect(atoms, ErrorKind::Unsupported, "the swizzle 4 came with sm_100");
  Box deep{{8, 8, 2}, {8, 4, 1}, {1, 1, 1}, {0, 0, 0}};
  TensorMap interleaved = deep.map(tensor);
  interleaved.interleave = 1;
  expect(interleaved, ErrorKind::Unsupported,
         "interleaved tensors are not supported", "tensor3");
}

TEST_F(TensorFaults, OfTheTensor) {
  TensorMap map = box.map(tensor);
  map.dims[1] = 9;
  map.globalAddress = tensor + 192;
  expect(map, ErrorKind::IllegalAddress, "behind the end of the allocation");
  // Bytes are told for all of the box: a count that is short never ends.
  expect(box.map(tensor), ErrorKind::Deadlock,
         "which lacks 0 of 1 arrivals and 16 bytes", "tensor2", 144);
  TensorMap bytes = box.map(tensor);
  bytes.dataType = 0;
  bytes.box[0] = 32;
  bytes.dims[0] = 32;
  expect(bytes, ErrorKind::IllegalInstruction,
         "tensors of data type 0 have no such reduction", "tensor2", 128, 1);
}

} // namespace
