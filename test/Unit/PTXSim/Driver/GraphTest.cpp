// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graphs, made by hand and by capturing streams.
#include "DriverLibrary.h"

#include <thread>

namespace {

class GraphTest : public DriverTest {
protected:
  void SetUp() override {
    DriverTest::SetUp();
    EXPECT_CU(CUDA_SUCCESS, cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    a = upload({1, 2, 3});
    b = allocate(12);
    c = allocate(12);
  }
  void begin(CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL) {
    EXPECT_CU(CUDA_SUCCESS, cuStreamBeginCapture_v2(stream, mode));
  }
  /// Ends, instantiates and launches; the graph stays for more.
  void endAndRun() {
    ASSERT_CU(cuStreamEndCapture(stream, &graph));
    ASSERT_CU(cuGraphInstantiateWithFlags(&exec, graph, 0));
    ASSERT_CU(cuGraphLaunch(exec, stream));
    ASSERT_CU(cuStreamSynchronize(stream));
  }
  size_t nodeCount() {
    size_t count = 0;
    EXPECT_CU(CUDA_SUCCESS, cuGraphGetNodes(graph, nullptr, &count));
    return count;
  }
  CUDA_KERNEL_NODE_PARAMS addParams(void **params) {
    CUDA_KERNEL_NODE_PARAMS all{};
    all.func = kernel("vadd");
    all.gridDimX = all.gridDimY = all.gridDimZ = all.blockDimY = all.blockDimZ =
        1;
    all.blockDimX = 32;
    all.kernelParams = params;
    return all;
  }

  CUstream stream = nullptr;
  CUdeviceptr a = 0, b = 0, c = 0;
  CUgraph graph = nullptr;
  CUgraphExec exec = nullptr;
};
using CaptureTest = GraphTest;

TEST_F(CaptureTest, RunsLaterAndAgain) {
  kernel("vadd");
  begin();
  CUstreamCaptureStatus status;
  EXPECT_CU(CUDA_SUCCESS, cuStreamIsCapturing(stream, &status));
  EXPECT_EQ(CU_STREAM_CAPTURE_STATUS_ACTIVE, status);
  ASSERT_CU(cuMemcpyDtoDAsync_v2(b, a, 12, stream));
  ASSERT_EQ(CUDA_SUCCESS, add(b, a, b, 3, stream));
  ASSERT_EQ(CUDA_SUCCESS, add(b, b, c, 3, stream));
  ASSERT_CU(cuStreamEndCapture(stream, &graph));
  EXPECT_EQ(3u, nodeCount());
  ASSERT_CU(cuMemsetD8_v2(c, 0, 12));
  EXPECT_EQ(0.0f, download(c, 3)[1]);
  ASSERT_CU(cuGraphInstantiateWithFlags(&exec, graph, 0));
  for (int round = 0; round < 2; ++round) {
    ASSERT_CU(cuMemsetD8_v2(c, 0, 12));
    ASSERT_CU(cuGraphLaunch(exec, nullptr));
    EXPECT_EQ((std::vector<float>{4, 8, 12}), download(c, 3));
  }
  EXPECT_CU(CUDA_SUCCESS, cuGraphExecDestroy(exec));
  EXPECT_CU(CUDA_SUCCESS, cuGraphDestroy(graph));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuGraphDestroy(graph));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuGraphLaunch(exec, nullptr));
}

TEST_F(CaptureTest, EventsForkAndJoin) {
  CUstream other = nullptr;
  CUevent fork = nullptr, join = nullptr;
  ASSERT_CU(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
  ASSERT_CU(cuEventCreate(&fork, 0));
  ASSERT_CU(cuEventCreate(&join, 0));
  begin();
  ASSERT_CU(cuMemsetD32Async(b, 1, 3, stream));
  ASSERT_CU(cuEventRecord(fork, stream));
  ASSERT_CU(cuStreamWaitEvent(other, fork, 0));
  ASSERT_CU(cuMemsetD32Async(b, 2, 2, other));
  ASSERT_CU(cuMemsetD32Async(c, 3, 3, stream));
  ASSERT_CU(cuEventRecord(join, other));
  EXPECT_CU(CUDA_ERROR_CAPTURED_EVENT, cuEventQuery(join));
  ASSERT_CU(cuStreamWaitEvent(stream, join, 0));
  ASSERT_CU(cuMemcpyDtoDAsync_v2(c, b, 4, stream));
  endAndRun();
  EXPECT_EQ(4u, nodeCount());
  size_t edges = 0;
  EXPECT_CU(CUDA_SUCCESS, cuGraphGetEdges(graph, nullptr, nullptr, &edges));
  EXPECT_EQ(4u, edges);
  unsigned values[3];
  EXPECT_CU(CUDA_SUCCESS, cuMemcpyDtoH_v2(values, c, 12));
  EXPECT_EQ(2u, values[0]);
  EXPECT_EQ(3u, values[1]);
}

TEST_F(CaptureTest, ForkThatIsNotJoinedFails) {
  CUstream other = nullptr;
  CUevent fork = nullptr;
  ASSERT_CU(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
  ASSERT_CU(cuEventCreate(&fork, 0));
  begin();
  ASSERT_CU(cuEventRecord(fork, stream));
  ASSERT_CU(cuStreamWaitEvent(other, fork, 0));
  ASSERT_CU(cuMemsetD32Async(b, 2, 2, other));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
            cuStreamEndCapture(other, &graph));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
            cuStreamEndCapture(stream, &graph));
  begin();
  ASSERT_CU(cuEventRecord(fork, stream));
  ASSERT_CU(cuStreamWaitEvent(other, fork, 0));
  ASSERT_CU(cuMemsetD32Async(b, 2, 2, other));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
            cuStreamEndCapture(stream, &graph));
  EXPECT_EQ(nullptr, graph);
}

TEST_F(CaptureTest, WhatIsForbiddenSpoilsIt) {
  begin();
  CUdeviceptr address;
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemAlloc_v2(&address, 4));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
            cuMemsetD32Async(b, 2, 2, stream));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
            cuStreamEndCapture(stream, &graph));
  begin();
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(stream));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
            cuStreamEndCapture(stream, &graph));
  // Relaxed captures allow it, and so does a thread that relaxes itself.
  begin(CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_CU(CUDA_SUCCESS, cuMemAlloc_v2(&address, 4));
  EXPECT_CU(CUDA_SUCCESS, cuStreamEndCapture(stream, &graph));
  begin();
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
  EXPECT_CU(CUDA_SUCCESS, cuThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(CU_STREAM_CAPTURE_MODE_GLOBAL, mode);
  EXPECT_CU(CUDA_SUCCESS, cuMemAlloc_v2(&address, 4));
  EXPECT_CU(CUDA_SUCCESS, cuThreadExchangeStreamCaptureMode(&mode));
  EXPECT_CU(CUDA_SUCCESS, cuStreamEndCapture(stream, &graph));
}

TEST_F(CaptureTest, LegacyStreamIsImplicit) {
  CUstream blocking = nullptr;
  ASSERT_CU(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
  ASSERT_CU(cuStreamBeginCapture_v2(blocking, CU_STREAM_CAPTURE_MODE_RELAXED));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
            cuMemsetD32Async(b, 1, 1, nullptr));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
            cuStreamEndCapture(blocking, &graph));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
            cuStreamBeginCapture_v2(nullptr, CU_STREAM_CAPTURE_MODE_GLOBAL));
  EXPECT_CU(CUDA_ERROR_ILLEGAL_STATE, cuStreamEndCapture(stream, &graph));
}

TEST_F(CaptureTest, OtherThreadsMustNotEndIt) {
  begin();
  std::thread([&] {
    EXPECT_CU(CUDA_SUCCESS, cuCtxSetCurrent(context));
    EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD,
              cuStreamEndCapture(stream, &graph));
  }).join();
  EXPECT_CU(CUDA_SUCCESS, cuStreamEndCapture(stream, &graph));
}

TEST_F(CaptureTest, EventsFromOutsideAreIsolated) {
  CUevent event = nullptr;
  ASSERT_CU(cuEventCreate(&event, 0));
  ASSERT_CU(cuEventRecord(event, nullptr));
  begin();
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
            cuStreamWaitEvent(stream, event, 0));
  EXPECT_CU(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
            cuStreamEndCapture(stream, &graph));
}

TEST_F(GraphTest, NodesByHand) {
  ASSERT_CU(cuGraphCreate(&graph, 0));
  CUgraphNode fill = nullptr, copy = nullptr, sum = nullptr, host = nullptr,
              empty = nullptr;
  CUDA_MEMSET_NODE_PARAMS fillParams{c, 0, 0, 4, 3, 1};
  ASSERT_CU(
      cuGraphAddMemsetNode(&fill, graph, nullptr, 0, &fillParams, context));
  CUDA_MEMCPY3D shape{};
  shape.srcMemoryType = shape.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  shape.srcDevice = a;
  shape.dstDevice = b;
  shape.WidthInBytes = 12;
  shape.Height = shape.Depth = 1;
  ASSERT_CU(cuGraphAddMemcpyNode(&copy, graph, nullptr, 0, &shape, context));
  CUgraphNode both[] = {fill, copy};
  ASSERT_CU(cuGraphAddEmptyNode(&empty, graph, both, 2));
  unsigned n = 3;
  void *params[] = {&a, &b, &c, &n};
  CUDA_KERNEL_NODE_PARAMS sumParams = addParams(params);
  ASSERT_CU(cuGraphAddKernelNode_v2(&sum, graph, &empty, 1, &sumParams));
  int called = 0;
  CUDA_HOST_NODE_PARAMS hostParams{
      [](void *data) { ++*static_cast<int *>(data); }, &called};
  ASSERT_CU(cuGraphAddHostNode(&host, graph, &sum, 1, &hostParams));
  ASSERT_CU(cuGraphInstantiateWithFlags(&exec, graph, 0));
  ASSERT_CU(cuGraphLaunch(exec, stream));
  ASSERT_CU(cuStreamSynchronize(stream));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), download(c, 3));
  EXPECT_EQ(1, called);
  CUgraphNodeType type;
  EXPECT_CU(CUDA_SUCCESS, cuGraphNodeGetType(sum, &type));
  EXPECT_EQ(CU_GRAPH_NODE_TYPE_KERNEL, type);
  size_t roots = 0;
  EXPECT_CU(CUDA_SUCCESS, cuGraphGetRootNodes(graph, nullptr, &roots));
  EXPECT_EQ(2u, roots);
  CUDA_KERNEL_NODE_PARAMS back{};
  EXPECT_CU(CUDA_SUCCESS, cuGraphKernelNodeGetParams_v2(sum, &back));
  EXPECT_EQ(sumParams.func, back.func);
  EXPECT_EQ(b, *static_cast<CUdeviceptr *>(back.kernelParams[1]));
  // Going in circles is noticed when it is instantiated.
  ASSERT_CU(cuGraphAddDependencies(graph, &sum, &fill, 1));
  CUgraphExec circle = nullptr;
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuGraphInstantiateWithFlags(&circle, graph, 0));
  EXPECT_CU(CUDA_SUCCESS, cuGraphDestroyNode(sum));
  EXPECT_EQ(4u, nodeCount());
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuGraphNodeGetType(sum, &type));
}

TEST_F(GraphTest, ParametersChangeInPlace) {
  ASSERT_CU(cuGraphCreate(&graph, 0));
  CUgraphNode sum = nullptr;
  unsigned n = 3;
  void *params[] = {&a, &a, &c, &n};
  CUDA_KERNEL_NODE_PARAMS sumParams = addParams(params);
  ASSERT_CU(cuGraphAddKernelNode_v2(&sum, graph, nullptr, 0, &sumParams));
  ASSERT_CU(cuGraphInstantiateWithFlags(&exec, graph, 0));
  ASSERT_CU(cuMemcpyDtoD_v2(b, a, 12));
  ASSERT_CU(cuCtxSynchronize()); // the stream does not wait for it
  CUdeviceptr old = c;
  c = b; // written now
  ASSERT_CU(cuGraphExecKernelNodeSetParams_v2(exec, sum, &sumParams));
  ASSERT_CU(cuGraphLaunch(exec, stream));
  ASSERT_CU(cuStreamSynchronize(stream));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), download(b, 3));
  // The graph itself has the old ones, and the update brings them back.
  CUgraphExecUpdateResultInfo info{};
  EXPECT_CU(CUDA_SUCCESS, cuGraphExecUpdate_v2(exec, graph, &info));
  EXPECT_EQ(CU_GRAPH_EXEC_UPDATE_SUCCESS, info.result);
  ASSERT_CU(cuGraphLaunch(exec, stream));
  ASSERT_CU(cuStreamSynchronize(stream));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), download(old, 3));
  EXPECT_CU(CUDA_SUCCESS, cuGraphNodeSetEnabled(exec, sum, 0));
  ASSERT_CU(cuMemsetD8_v2(old, 0, 12));
  ASSERT_CU(cuCtxSynchronize());
  ASSERT_CU(cuGraphLaunch(exec, stream));
  ASSERT_CU(cuStreamSynchronize(stream));
  EXPECT_EQ(0.0f, download(old, 3)[0]);
  CUgraphNode more = nullptr;
  ASSERT_CU(cuGraphAddEmptyNode(&more, graph, nullptr, 0));
  EXPECT_CU(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE,
            cuGraphExecUpdate_v2(exec, graph, &info));
  EXPECT_EQ(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, info.result);
}

TEST_F(GraphTest, GraphsInGraphs) {
  CUgraph inner = nullptr;
  ASSERT_CU(cuGraphCreate(&graph, 0));
  ASSERT_CU(cuGraphCreate(&inner, 0));
  CUgraphNode fill = nullptr, child = nullptr, copy = nullptr;
  CUDA_MEMSET_NODE_PARAMS fillParams{b, 0, 9, 4, 3, 1};
  ASSERT_CU(
      cuGraphAddMemsetNode(&fill, inner, nullptr, 0, &fillParams, context));
  ASSERT_CU(cuGraphAddChildGraphNode(&child, graph, nullptr, 0, inner));
  CUDA_MEMCPY3D shape{};
  shape.srcMemoryType = shape.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
  shape.srcDevice = b;
  shape.dstDevice = c;
  shape.WidthInBytes = 12;
  shape.Height = shape.Depth = 1;
  ASSERT_CU(cuGraphAddMemcpyNode(&copy, graph, &child, 1, &shape, context));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuGraphAddEmptyNode(&copy, graph, &fill, 1));
  ASSERT_CU(cuGraphDestroy(inner));
  ASSERT_CU(cuGraphInstantiateWithFlags(&exec, graph, 0));
  ASSERT_CU(cuGraphLaunch(exec, nullptr));
  unsigned values[3] = {};
  EXPECT_CU(CUDA_SUCCESS, cuMemcpyDtoH_v2(values, c, 12));
  EXPECT_EQ(9u, values[2]);
}

} // namespace
