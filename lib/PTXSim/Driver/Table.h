// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Handles of the driver interface: numbers that are never used twice, so that a
// stale or invented handle is told from a live one without touching memory.

#ifndef MOE_LIB_PTXSIM_DRIVER_TABLE_H
#define MOE_LIB_PTXSIM_DRIVER_TABLE_H

#include "moe/CUDA/Types.h"

#include <map>
#include <memory>

namespace moe::driver {

/// Leaves a function of the interface with this result.
struct Failure {
  cuda::CUresult result;
};
[[noreturn]] void fail(cuda::CUresult result);
/// fail() unless it holds.
inline void require(bool holds,
                    cuda::CUresult result = cuda::CUDA_ERROR_INVALID_VALUE) {
  if (!holds)
    fail(result);
}

uintptr_t newHandle();

/// The live objects of one kind; T has a member `Handle handle`.
template <typename Handle, typename T>
class Table {
public:
  Handle add(std::shared_ptr<T> object) {
    object->handle = reinterpret_cast<Handle>(newHandle());
    live[object->handle] = object;
    return object->handle;
  }
  std::shared_ptr<T> lookup(Handle handle) const {
    auto it = live.find(handle);
    return it == live.end() ? nullptr : it->second;
  }
  std::shared_ptr<T>
  find(Handle handle,
       cuda::CUresult otherwise = cuda::CUDA_ERROR_INVALID_HANDLE) const {
    std::shared_ptr<T> object = lookup(handle);
    require(object != nullptr, otherwise);
    return object;
  }
  std::shared_ptr<T>
  take(Handle handle,
       cuda::CUresult otherwise = cuda::CUDA_ERROR_INVALID_HANDLE) {
    std::shared_ptr<T> object = find(handle, otherwise);
    live.erase(handle);
    return object;
  }
  template <typename Predicate>
  void removeIf(Predicate predicate) {
    for (auto it = live.begin(); it != live.end();)
      it = predicate(*it->second) ? live.erase(it) : std::next(it);
  }
  const std::map<Handle, std::shared_ptr<T>> &all() const { return live; }

private:
  std::map<Handle, std::shared_ptr<T>> live;
};

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_TABLE_H
