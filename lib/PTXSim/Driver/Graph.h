// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_PTXSIM_DRIVER_GRAPH_H
#define MOE_LIB_PTXSIM_DRIVER_GRAPH_H

#include "Work.h"

namespace moe::driver {

struct GraphNode {
  cuda::CUgraphNode handle = nullptr;
  std::weak_ptr<Graph> graph;
  Work work;
  std::vector<GraphNode *> dependencies;
  bool enabled = true;
  /// What cuGraphKernelNodeGetParams points to.
  std::vector<void *> paramPointers;
};
using NodeRef = std::shared_ptr<GraphNode>;

/// Dependencies only lead to earlier nodes of `nodes` or to later ones by
/// cuGraphAddDependencies; see inOrder().
struct Graph : std::enable_shared_from_this<Graph> {
  cuda::CUgraph handle = nullptr;
  std::vector<NodeRef> nodes;

  NodeRef add(Work work, const std::vector<GraphNode *> &dependencies);
  /// Every node after those it depends on; empty if they form a circle.
  std::vector<GraphNode *> inOrder() const;
  /// A copy whose nodes stand at the same places.
  std::shared_ptr<Graph> clone() const;
};
using GraphRef = std::shared_ptr<Graph>;

struct GraphExec {
  cuda::CUgraphExec handle = nullptr;
  unsigned long long flags = 0;
  /// A copy of the graph, and where the nodes of the original stand in it.
  GraphRef graph;
  std::map<cuda::CUgraphNode, size_t> places;
  OperationRef last;
};

cuda::CUgraphNodeType typeOf(const Work &work);
/// The nodes behind handles, which have to be of this graph.
std::vector<GraphNode *> findNodes(const GraphRef &graph,
                                   const cuda::CUgraphNode *handles,
                                   size_t count);
NodeRef findNode(cuda::CUgraphNode handle);
GraphRef findGraph(cuda::CUgraph handle);
/// Registers the graph and its nodes, so that they have handles.
void publish(const GraphRef &graph);
void unpublish(const GraphRef &graph);
/// Queues the nodes in order; the result is done when all are. Roots wait for
/// `after`.
OperationRef launch(const Graph &graph, const ContextRef &context,
                    std::vector<OperationRef> after);

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_GRAPH_H
