// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executable graphs. One is a copy of its graph; a launch queues an operation
// for each node.
#include "API.h"
#include "Capture.h"
#include "Module.h"

namespace moe::driver {

using namespace moe::cuda;

OperationRef launch(const Graph &graph, const ContextRef &context,
                    std::vector<OperationRef> after) {
  std::map<GraphNode *, OperationRef> operations;
  auto last = std::make_shared<Operation>();
  last->context = context;
  last->after = after;
  for (GraphNode *node : graph.inOrder()) {
    std::vector<OperationRef> before =
        node->dependencies.empty() ? after : std::vector<OperationRef>();
    for (GraphNode *other : node->dependencies)
      before.push_back(operations.at(other));
    OperationRef operation;
    if (const auto *child = std::get_if<ChildWork>(&node->work)) {
      operation = launch(*child->graph, context, std::move(before));
    } else {
      operation = makeOperation(node->enabled ? node->work : Work(Empty{}));
      operation->context = context;
      operation->after.insert(operation->after.end(), before.begin(),
                              before.end());
      state().queue.add(operation);
    }
    operations[node] = operation;
    last->after.push_back(operation);
  }
  state().queue.add(last);
  return last;
}

namespace {
std::shared_ptr<GraphExec> findExec(CUgraphExec handle) {
  return state().execs.find(handle, CUDA_ERROR_INVALID_VALUE);
}

CUresult instantiate(CUgraphExec *result, CUgraph handle,
                     unsigned long long flags) {
  currentContext();
  GraphRef graph = findGraph(handle);
  require(result);
  // Launches from kernels and allocations by graphs are not simulated.
  require(!(flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH),
          CUDA_ERROR_NOT_SUPPORTED);
  require(graph->nodes.empty() || !graph->inOrder().empty());
  auto exec = std::make_shared<GraphExec>();
  exec->flags = flags;
  exec->graph = graph->clone();
  for (size_t i = 0; i < graph->nodes.size(); ++i)
    exec->places[graph->nodes[i]->handle] = i;
  *result = state().execs.add(std::move(exec));
  return CUDA_SUCCESS;
}

/// Whether the two differ in more than parameters; the node that does.
CUgraphExecUpdateResult compare(const GraphExec &exec, const Graph &graph,
                                CUgraphNode &differs) {
  differs = nullptr;
  if (exec.graph->nodes.size() != graph.nodes.size())
    return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  auto placesOf = [](const Graph &of, const GraphNode &node) {
    std::set<size_t> places;
    for (GraphNode *other : node.dependencies)
      for (size_t i = 0; i < of.nodes.size(); ++i)
        if (of.nodes[i].get() == other)
          places.insert(i);
    return places;
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode &now = *exec.graph->nodes[i], &next = *graph.nodes[i];
    differs = next.handle;
    if (typeOf(now.work) != typeOf(next.work))
      return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
    if (placesOf(*exec.graph, now) != placesOf(graph, next))
      return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  }
  differs = nullptr;
  return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}
} // namespace

CUresult api::cuGraphInstantiateWithFlags(CUgraphExec *result, CUgraph graph,
                                          unsigned long long flags) {
  return instantiate(result, graph, flags);
}

CUresult api::cuGraphInstantiate(CUgraphExec *result, CUgraph graph,
                                 CUgraphNode *errorNode, char *log,
                                 size_t bytes) {
  if (errorNode)
    *errorNode = nullptr;
  if (log && bytes > 0)
    *log = 0;
  return instantiate(result, graph, 0);
}

CUresult api::cuGraphInstantiate_v2(CUgraphExec *result, CUgraph graph,
                                    CUgraphNode *errorNode, char *log,
                                    size_t bytes) {
  return cuGraphInstantiate(result, graph, errorNode, log, bytes);
}

CUresult
api::cuGraphInstantiateWithParams(CUgraphExec *result, CUgraph graph,
                                  CUDA_GRAPH_INSTANTIATE_PARAMS *params) {
  require(params);
  params->hErrNode_out = nullptr;
  params->result_out = CUDA_GRAPH_INSTANTIATE_ERROR;
  CUresult outcome = instantiate(result, graph, params->flags);
  params->result_out = CUDA_GRAPH_INSTANTIATE_SUCCESS;
  return outcome;
}

CUresult api::cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t *flags) {
  require(flags);
  *flags = findExec(handle)->flags;
  return CUDA_SUCCESS;
}

CUresult api::cuGraphExecDestroy(CUgraphExec handle) {
  findExec(handle);
  // It may hold the last reference to a module, whose end needs the device.
  state().memory->device();
  state().execs.take(handle, CUDA_ERROR_INVALID_VALUE);
  return CUDA_SUCCESS;
}

CUresult api::cuGraphLaunch(CUgraphExec handle, CUstream streamHandle) {
  std::shared_ptr<GraphExec> exec = findExec(handle);
  StreamRef stream = findStream(streamHandle);
  if (capture(stream, ChildWork{exec->graph->clone()}))
    return CUDA_SUCCESS;
  checkLegacy(stream);
  std::vector<OperationRef> after = endOf(stream);
  // Launches of one executable graph do not overlap.
  after.push_back(exec->last);
  exec->last = stream->last =
      launch(*exec->graph, stream->context.lock(), std::move(after));
  return CUDA_SUCCESS;
}

CUresult api::cuGraphUpload(CUgraphExec handle, CUstream stream) {
  findExec(handle);
  findStream(stream);
  return CUDA_SUCCESS;
}

CUresult api::cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph graphHandle,
                                   CUgraphExecUpdateResultInfo *info) {
  std::shared_ptr<GraphExec> exec = findExec(handle);
  GraphRef graph = findGraph(graphHandle);
  require(info);
  *info = {};
  info->result = compare(*exec, *graph, info->errorNode);
  if (info->result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
    return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
  state().memory->device();
  GraphRef copy = graph->clone();
  for (size_t i = 0; i < copy->nodes.size(); ++i)
    copy->nodes[i]->enabled = exec->graph->nodes[i]->enabled;
  exec->graph = std::move(copy);
  return CUDA_SUCCESS;
}

} // namespace moe::driver
