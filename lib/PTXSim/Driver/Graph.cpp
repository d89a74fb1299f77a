// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graphs: their nodes and edges. What the nodes do is in GraphNode.cpp, running
// them in GraphExec.cpp.
#include "Graph.h"

#include "API.h"
#include "Capture.h"

#include <algorithm>

namespace moe::driver {

using namespace moe::cuda;

NodeRef Graph::add(Work work, const std::vector<GraphNode *> &dependencies) {
  auto node = std::make_shared<GraphNode>();
  node->work = std::move(work);
  node->dependencies = dependencies;
  node->graph = weak_from_this();
  state().nodes.add(node);
  nodes.push_back(node);
  return node;
}

std::vector<GraphNode *> Graph::inOrder() const {
  std::vector<GraphNode *> order;
  std::set<GraphNode *> done;
  // Nodes are nearly always added after those they depend on, so that one round
  // does.
  for (bool more = true; more;) {
    more = false;
    for (const NodeRef &node : nodes) {
      bool ready =
          std::all_of(node->dependencies.begin(), node->dependencies.end(),
                      [&](GraphNode *other) { return done.count(other); });
      if (ready && done.insert(node.get()).second) {
        order.push_back(node.get());
        more = true;
      }
    }
  }
  return order.size() == nodes.size() ? order : std::vector<GraphNode *>();
}

GraphRef Graph::clone() const {
  auto copy = std::make_shared<Graph>();
  std::map<GraphNode *, GraphNode *> counterpart;
  for (const NodeRef &node : nodes) {
    auto twin = std::make_shared<GraphNode>();
    twin->work = node->work;
    twin->enabled = node->enabled;
    twin->graph = copy;
    if (auto *child = std::get_if<ChildWork>(&twin->work))
      child->graph = child->graph->clone();
    counterpart[node.get()] = twin.get();
    copy->nodes.push_back(std::move(twin));
  }
  for (const NodeRef &node : nodes)
    for (GraphNode *other : node->dependencies)
      counterpart[node.get()]->dependencies.push_back(counterpart[other]);
  return copy;
}

void publish(const GraphRef &graph) {
  state().graphs.add(graph);
  for (const NodeRef &node : graph->nodes)
    state().nodes.add(node);
}

void unpublish(const GraphRef &graph) {
  // A node may hold the last reference to a module, whose end needs the device.
  state().memory->device();
  for (const NodeRef &node : graph->nodes)
    if (state().nodes.lookup(node->handle))
      state().nodes.take(node->handle);
  if (state().graphs.lookup(graph->handle))
    state().graphs.take(graph->handle);
}

GraphRef findGraph(CUgraph handle) {
  return state().graphs.find(handle, CUDA_ERROR_INVALID_VALUE);
}

NodeRef findNode(CUgraphNode handle) {
  return state().nodes.find(handle, CUDA_ERROR_INVALID_VALUE);
}

std::vector<GraphNode *> findNodes(const GraphRef &graph,
                                   const CUgraphNode *handles, size_t count) {
  require(handles || count == 0);
  std::vector<GraphNode *> found;
  for (size_t i = 0; i < count; ++i) {
    NodeRef node = findNode(handles[i]);
    require(node->graph.lock() == graph);
    require(std::find(found.begin(), found.end(), node.get()) == found.end());
    found.push_back(node.get());
  }
  return found;
}

namespace {
/// Lists as the interface gives them: the count without a list; else as many as
/// fit, the rest null.
template <typename T>
CUresult giveList(const std::vector<T> &all, T *list, size_t *count) {
  require(count);
  if (list)
    for (size_t i = 0; i < *count; ++i)
      list[i] = i < all.size() ? all[i] : nullptr;
  *count = list ? std::min(*count, all.size()) : all.size();
  return CUDA_SUCCESS;
}

std::vector<CUgraphNode> handlesOf(const std::vector<GraphNode *> &nodes) {
  std::vector<CUgraphNode> handles;
  for (GraphNode *node : nodes)
    handles.push_back(node->handle);
  return handles;
}

std::vector<CUgraphNode> dependentsOf(const NodeRef &node) {
  std::vector<CUgraphNode> dependents;
  for (const NodeRef &other : node->graph.lock()->nodes)
    if (std::find(other->dependencies.begin(), other->dependencies.end(),
                  node.get()) != other->dependencies.end())
      dependents.push_back(other->handle);
  return dependents;
}
} // namespace

CUresult api::cuGraphCreate(CUgraph *result, unsigned flags) {
  require(result && flags == 0);
  auto graph = std::make_shared<Graph>();
  publish(graph);
  *result = graph->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuGraphDestroy(CUgraph handle) {
  unpublish(findGraph(handle));
  return CUDA_SUCCESS;
}

CUresult api::cuGraphClone(CUgraph *result, CUgraph handle) {
  require(result);
  GraphRef copy = findGraph(handle)->clone();
  publish(copy);
  *result = copy->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuGraphGetNodes(CUgraph handle, CUgraphNode *nodes,
                              size_t *count) {
  std::vector<CUgraphNode> all;
  for (const NodeRef &node : findGraph(handle)->nodes)
    all.push_back(node->handle);
  return giveList(all, nodes, count);
}

CUresult api::cuGraphGetRootNodes(CUgraph handle, CUgraphNode *nodes,
                                  size_t *count) {
  std::vector<CUgraphNode> roots;
  for (const NodeRef &node : findGraph(handle)->nodes)
    if (node->dependencies.empty())
      roots.push_back(node->handle);
  return giveList(roots, nodes, count);
}

CUresult api::cuGraphGetEdges(CUgraph handle, CUgraphNode *from,
                              CUgraphNode *to, size_t *count) {
  require(count && !from == !to);
  std::vector<CUgraphNode> sources, targets;
  for (const NodeRef &node : findGraph(handle)->nodes)
    for (GraphNode *other : node->dependencies) {
      sources.push_back(other->handle);
      targets.push_back(node->handle);
    }
  size_t again = *count;
  giveList(sources, from, count);
  return giveList(targets, to, &again);
}

CUresult api::cuGraphGetEdges_v2(CUgraph graph, CUgraphNode *from,
                                 CUgraphNode *to, CUgraphEdgeData *data,
                                 size_t *count) {
  CUresult result = cuGraphGetEdges(graph, from, to, count);
  for (size_t i = 0; data && from && i < *count; ++i)
    data[i] = {};
  return result;
}

CUresult api::cuGraphNodeGetDependencies(CUgraphNode handle, CUgraphNode *nodes,
                                         size_t *count) {
  return giveList(handlesOf(findNode(handle)->dependencies), nodes, count);
}

CUresult api::cuGraphNodeGetDependencies_v2(CUgraphNode node,
                                            CUgraphNode *nodes,
                                            CUgraphEdgeData *data,
                                            size_t *count) {
  CUresult result = cuGraphNodeGetDependencies(node, nodes, count);
  for (size_t i = 0; data && nodes && i < *count; ++i)
    data[i] = {};
  return result;
}

CUresult api::cuGraphNodeGetDependentNodes(CUgraphNode handle,
                                           CUgraphNode *nodes, size_t *count) {
  return giveList(dependentsOf(findNode(handle)), nodes, count);
}

CUresult api::cuGraphNodeGetDependentNodes_v2(CUgraphNode node,
                                              CUgraphNode *nodes,
                                              CUgraphEdgeData *data,
                                              size_t *count) {
  CUresult result = cuGraphNodeGetDependentNodes(node, nodes, count);
  for (size_t i = 0; data && nodes && i < *count; ++i)
    data[i] = {};
  return result;
}

CUresult api::cuGraphAddDependencies(CUgraph handle, const CUgraphNode *from,
                                     const CUgraphNode *to, size_t count) {
  GraphRef graph = findGraph(handle);
  require(count == 0 || (from && to));
  for (size_t i = 0; i < count; ++i) {
    GraphNode *source = findNodes(graph, from + i, 1)[0],
              *target = findNodes(graph, to + i, 1)[0];
    std::vector<GraphNode *> &before = target->dependencies;
    require(source != target &&
            std::find(before.begin(), before.end(), source) == before.end());
    before.push_back(source);
  }
  return CUDA_SUCCESS;
}

CUresult api::cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode *from,
                                        const CUgraphNode *to,
                                        const CUgraphEdgeData *, size_t count) {
  return cuGraphAddDependencies(graph, from, to, count);
}

CUresult api::cuGraphDestroyNode(CUgraphNode handle) {
  NodeRef node = findNode(handle);
  GraphRef graph = node->graph.lock();
  require(graph != nullptr);
  state().memory->device();
  for (const NodeRef &other : graph->nodes) {
    std::vector<GraphNode *> &before = other->dependencies;
    before.erase(std::remove(before.begin(), before.end(), node.get()),
                 before.end());
  }
  graph->nodes.erase(std::find(graph->nodes.begin(), graph->nodes.end(), node));
  state().nodes.take(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
  require(type);
  *type = typeOf(findNode(handle)->work);
  return CUDA_SUCCESS;
}

} // namespace moe::driver
