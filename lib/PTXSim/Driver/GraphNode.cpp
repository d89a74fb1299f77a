// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes of graphs by what they do: adding them, reading and changing their
// parameters.
#include "API.h"
#include "Graph.h"
#include "Module.h"

namespace moe::driver {

using namespace moe::cuda;

CUgraphNodeType typeOf(const Work &work) {
  struct {
    CUgraphNodeType operator()(const KernelWork &) {
      return CU_GRAPH_NODE_TYPE_KERNEL;
    }
    CUgraphNodeType operator()(const CopyWork &) {
      return CU_GRAPH_NODE_TYPE_MEMCPY;
    }
    CUgraphNodeType operator()(const FillWork &) {
      return CU_GRAPH_NODE_TYPE_MEMSET;
    }
    CUgraphNodeType operator()(const HostWork &) {
      return CU_GRAPH_NODE_TYPE_HOST;
    }
    CUgraphNodeType operator()(const CallbackWork &) {
      return CU_GRAPH_NODE_TYPE_HOST;
    }
    CUgraphNodeType operator()(const RecordWork &) {
      return CU_GRAPH_NODE_TYPE_EVENT_RECORD;
    }
    CUgraphNodeType operator()(const WaitWork &) {
      return CU_GRAPH_NODE_TYPE_WAIT_EVENT;
    }
    CUgraphNodeType operator()(const ChildWork &) {
      return CU_GRAPH_NODE_TYPE_GRAPH;
    }
    CUgraphNodeType operator()(const FreeWork &) {
      return CU_GRAPH_NODE_TYPE_MEM_FREE;
    }
    CUgraphNodeType operator()(const Empty &) {
      return CU_GRAPH_NODE_TYPE_EMPTY;
    }
  } type;
  return std::visit(type, work);
}

namespace {
CUresult addNode(CUgraphNode *result, CUgraph handle,
                 const CUgraphNode *dependencies, size_t count, Work work) {
  GraphRef graph = findGraph(handle);
  require(result);
  *result = graph->add(std::move(work), findNodes(graph, dependencies, count))
                ->handle;
  return CUDA_SUCCESS;
}

template <typename T>
T &workOf(const NodeRef &node) {
  T *work = std::get_if<T>(&node->work);
  require(work);
  return *work;
}

KernelWork describe(const CUDA_KERNEL_NODE_PARAMS &params) {
  FunctionRef function = params.func
                             ? findFunction(params.func)
                             : functionOf(state().kernels.find(params.kern));
  CUlaunchConfig config{params.gridDimX,
                        params.gridDimY,
                        params.gridDimZ,
                        params.blockDimX,
                        params.blockDimY,
                        params.blockDimZ,
                        params.sharedMemBytes,
                        nullptr,
                        nullptr,
                        0};
  return describeLaunch(config, function, params.kernelParams, params.extra,
                        false);
}

CUDA_KERNEL_NODE_PARAMS widen(const CUDA_KERNEL_NODE_PARAMS_v1 &params) {
  return {params.func,
          params.gridDimX,
          params.gridDimY,
          params.gridDimZ,
          params.blockDimX,
          params.blockDimY,
          params.blockDimZ,
          params.sharedMemBytes,
          params.kernelParams,
          params.extra,
          nullptr,
          nullptr};
}

CUDA_KERNEL_NODE_PARAMS paramsOf(const NodeRef &node) {
  KernelWork &work = workOf<KernelWork>(node);
  node->paramPointers.clear();
  for (const ptxsim::Param &param : work.function->kernel->params)
    node->paramPointers.push_back(work.launch.params.data() + param.offset);
  const ptxsim::Launch &launch = work.launch;
  return {work.function->handle,
          launch.grid[0],
          launch.grid[1],
          launch.grid[2],
          launch.block[0],
          launch.block[1],
          launch.block[2],
          launch.dynamicSharedBytes,
          node->paramPointers.data(),
          nullptr,
          nullptr,
          nullptr};
}

CUresult setKernel(const NodeRef &node, const CUDA_KERNEL_NODE_PARAMS &params) {
  KernelWork &work = workOf<KernelWork>(node);
  KernelWork changed = describe(params);
  // Attributes of the node stay: clusters and cooperation are not among the
  // parameters.
  changed.attributes = work.attributes;
  changed.launch.cluster = work.launch.cluster;
  changed.launch.cooperative = work.launch.cooperative;
  work = std::move(changed);
  return CUDA_SUCCESS;
}

/// The node of an executable graph that was made from this one.
NodeRef twin(CUgraphExec exec, CUgraphNode handle) {
  std::shared_ptr<GraphExec> found =
      state().execs.find(exec, CUDA_ERROR_INVALID_VALUE);
  auto it = found->places.find(handle);
  require(it != found->places.end());
  return found->graph->nodes[it->second];
}
} // namespace

CUresult api::cuGraphAddKernelNode_v2(CUgraphNode *result, CUgraph graph,
                                      const CUgraphNode *dependencies,
                                      size_t count,
                                      const CUDA_KERNEL_NODE_PARAMS *params) {
  require(params);
  return addNode(result, graph, dependencies, count, describe(*params));
}

CUresult api::cuGraphAddKernelNode(CUgraphNode *result, CUgraph graph,
                                   const CUgraphNode *dependencies,
                                   size_t count,
                                   const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
  require(params);
  return addNode(result, graph, dependencies, count, describe(widen(*params)));
}

CUresult api::cuGraphAddMemcpyNode(CUgraphNode *result, CUgraph graph,
                                   const CUgraphNode *dependencies,
                                   size_t count, const CUDA_MEMCPY3D *shape,
                                   CUcontext) {
  require(shape);
  return addNode(result, graph, dependencies, count, describeCopy(*shape));
}

CUresult api::cuGraphAddMemsetNode(CUgraphNode *result, CUgraph graph,
                                   const CUgraphNode *dependencies,
                                   size_t count,
                                   const CUDA_MEMSET_NODE_PARAMS *params,
                                   CUcontext) {
  require(params);
  return addNode(result, graph, dependencies, count, describeFill(*params));
}

CUresult api::cuGraphAddHostNode(CUgraphNode *result, CUgraph graph,
                                 const CUgraphNode *dependencies, size_t count,
                                 const CUDA_HOST_NODE_PARAMS *params) {
  require(params && params->fn);
  return addNode(result, graph, dependencies, count, HostWork{*params});
}

CUresult api::cuGraphAddEmptyNode(CUgraphNode *result, CUgraph graph,
                                  const CUgraphNode *dependencies,
                                  size_t count) {
  return addNode(result, graph, dependencies, count, Empty{});
}

CUresult api::cuGraphAddChildGraphNode(CUgraphNode *result, CUgraph graph,
                                       const CUgraphNode *dependencies,
                                       size_t count, CUgraph child) {
  require(child != graph);
  return addNode(result, graph, dependencies, count,
                 ChildWork{findGraph(child)->clone()});
}

CUresult api::cuGraphAddEventRecordNode(CUgraphNode *result, CUgraph graph,
                                        const CUgraphNode *dependencies,
                                        size_t count, CUevent event) {
  return addNode(result, graph, dependencies, count,
                 RecordWork{findEvent(event)});
}

CUresult api::cuGraphAddEventWaitNode(CUgraphNode *result, CUgraph graph,
                                      const CUgraphNode *dependencies,
                                      size_t count, CUevent event) {
  return addNode(result, graph, dependencies, count,
                 WaitWork{findEvent(event)});
}

CUresult api::cuGraphKernelNodeGetParams_v2(CUgraphNode node,
                                            CUDA_KERNEL_NODE_PARAMS *params) {
  require(params);
  *params = paramsOf(findNode(node));
  return CUDA_SUCCESS;
}

CUresult api::cuGraphKernelNodeGetParams(CUgraphNode node,
                                         CUDA_KERNEL_NODE_PARAMS_v1 *params) {
  require(params);
  CUDA_KERNEL_NODE_PARAMS all = paramsOf(findNode(node));
  *params = {all.func,         all.gridDimX,  all.gridDimY,  all.gridDimZ,
             all.blockDimX,    all.blockDimY, all.blockDimZ, all.sharedMemBytes,
             all.kernelParams, all.extra};
  return CUDA_SUCCESS;
}

CUresult
api::cuGraphKernelNodeSetParams_v2(CUgraphNode node,
                                   const CUDA_KERNEL_NODE_PARAMS *params) {
  require(params);
  return setKernel(findNode(node), *params);
}

CUresult
api::cuGraphKernelNodeSetParams(CUgraphNode node,
                                const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
  require(params);
  return setKernel(findNode(node), widen(*params));
}

CUresult api::cuGraphMemcpyNodeGetParams(CUgraphNode node,
                                         CUDA_MEMCPY3D *shape) {
  require(shape);
  *shape = workOf<CopyWork>(findNode(node)).shape;
  return CUDA_SUCCESS;
}

CUresult api::cuGraphMemcpyNodeSetParams(CUgraphNode node,
                                         const CUDA_MEMCPY3D *shape) {
  require(shape);
  workOf<CopyWork>(findNode(node)) = describeCopy(*shape);
  return CUDA_SUCCESS;
}

CUresult api::cuGraphMemsetNodeGetParams(CUgraphNode node,
                                         CUDA_MEMSET_NODE_PARAMS *params) {
  require(params);
  *params = workOf<FillWork>(findNode(node)).params;
  return CUDA_SUCCESS;
}

CUresult
api::cuGraphMemsetNodeSetParams(CUgraphNode node,
                                const CUDA_MEMSET_NODE_PARAMS *params) {
  require(params);
  workOf<FillWork>(findNode(node)) = describeFill(*params);
  return CUDA_SUCCESS;
}

CUresult api::cuGraphHostNodeGetParams(CUgraphNode node,
                                       CUDA_HOST_NODE_PARAMS *params) {
  require(params);
  *params = workOf<HostWork>(findNode(node)).params;
  return CUDA_SUCCESS;
}

CUresult api::cuGraphHostNodeSetParams(CUgraphNode node,
                                       const CUDA_HOST_NODE_PARAMS *params) {
  require(params && params->fn);
  workOf<HostWork>(findNode(node)).params = *params;
  return CUDA_SUCCESS;
}

CUresult
api::cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                       const CUDA_KERNEL_NODE_PARAMS *params) {
  require(params);
  return setKernel(twin(exec, node), *params);
}

CUresult
api::cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                    const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
  require(params);
  return setKernel(twin(exec, node), widen(*params));
}

CUresult api::cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                             const CUDA_MEMCPY3D *shape,
                                             CUcontext) {
  require(shape);
  workOf<CopyWork>(twin(exec, node)) = describeCopy(*shape);
  return CUDA_SUCCESS;
}

CUresult
api::cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                    const CUDA_MEMSET_NODE_PARAMS *params,
                                    CUcontext) {
  require(params);
  workOf<FillWork>(twin(exec, node)) = describeFill(*params);
  return CUDA_SUCCESS;
}

CUresult
api::cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                  const CUDA_HOST_NODE_PARAMS *params) {
  require(params && params->fn);
  workOf<HostWork>(twin(exec, node)).params = *params;
  return CUDA_SUCCESS;
}

CUresult api::cuGraphNodeSetEnabled(CUgraphExec exec, CUgraphNode node,
                                    unsigned enabled) {
  NodeRef found = twin(exec, node);
  CUgraphNodeType type = typeOf(found->work);
  require(type == CU_GRAPH_NODE_TYPE_KERNEL ||
          type == CU_GRAPH_NODE_TYPE_MEMCPY ||
          type == CU_GRAPH_NODE_TYPE_MEMSET);
  found->enabled = enabled != 0;
  return CUDA_SUCCESS;
}

CUresult api::cuGraphNodeGetEnabled(CUgraphExec exec, CUgraphNode node,
                                    unsigned *enabled) {
  require(enabled);
  *enabled = twin(exec, node)->enabled;
  return CUDA_SUCCESS;
}

} // namespace moe::driver
