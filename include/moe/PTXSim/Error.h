// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What can go wrong on the virtual GPU. Nothing of the executor throws through
// its interface: every call that can fail returns an Error.
#ifndef MOE_PTXSIM_ERROR_H
#define MOE_PTXSIM_ERROR_H

#include <array>
#include <cstdint>
#include <string>

namespace moe::ptxsim {

using Dim3 = std::array<uint32_t, 3>;

enum class ErrorKind : uint8_t {
  None,
  InvalidValue,       ///< An argument makes no sense: a range, a size, a name.
  OutOfMemory,        ///< The device memory is used up.
  OutOfResources,     ///< A launch needs more than a multiprocessor has.
  Unsupported,        ///< PTX that the executor cannot run; found at load.
  IllegalAddress,     ///< Outside of every allocation, or freed.
  Misaligned,         ///< An access that is not aligned to its size.
  IllegalInstruction, ///< Operands for which the ISA defines no meaning.
  Deadlock,           ///< No warp can go on.
  Trap,               ///< `trap` or `brkpt`.
  Assert,             ///< A device-side assertion.
};

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::None;
  /// For people: "illegal address: ld.global.f32 of 4 bytes at 0x…: …".
  std::string message;
  /// The place, for errors of a running kernel.
  std::string kernel;
  uint32_t line = 0; ///< of the PTX text, from 1
  Dim3 block{}, thread{};

  explicit operator bool() const { return kind != ErrorKind::None; }
  static Error make(ErrorKind kind, std::string message) {
    Error error;
    error.kind = kind;
    error.message = std::move(message);
    return error;
  }
  /// Message and place in one line.
  std::string str() const;
};

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_ERROR_H
