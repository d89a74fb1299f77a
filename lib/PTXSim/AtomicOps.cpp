// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// atom and red: lane after lane, each one an atomic operation of the host, so
// that blocks on other threads see it whole.
#include "BulkCopy.h"
#include "Lanes.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Type;

namespace {

/// Of Op::flags: the old value is asked for; extras hold new values of a cas.
constexpr uint32_t answers = 16, compares = 32;

template <class T>
struct Bits {
  using type = std::conditional_t<
      sizeof(T) == 8, uint64_t,
      std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;
};

/// `old = *at; *at = change(old)`, atomically.
template <class T, class F>
T exchange(std::byte *at, F change) {
  using U = typename Bits<T>::type;
  U *bits = reinterpret_cast<U *>(at);
  U old = __atomic_load_n(bits, __ATOMIC_SEQ_CST);
  for (;;) {
    U wanted = bitCast<U>(T(change(bitCast<T>(old))));
    if (__atomic_compare_exchange_n(bits, &old, wanted, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
      return bitCast<T>(old);
  }
}

struct Add {
  template <class T>
  static T call(T a, T b, T) {
    if constexpr (std::is_integral_v<T>)
      return T(std::make_unsigned_t<T>(a) + std::make_unsigned_t<T>(b));
    else
      return a + b;
  }
};
struct AddFlushed {
  static float call(float a, float b, float) {
    return flushSubnormal(flushSubnormal(a) + flushSubnormal(b));
  }
};
struct Min {
  template <class T>
  static T call(T a, T b, T) {
    return b < a ? b : a;
  }
};
struct Max {
  template <class T>
  static T call(T a, T b, T) {
    return a < b ? b : a;
  }
};
struct And {
  template <class T>
  static T call(T a, T b, T) {
    return a & b;
  }
};
struct Or {
  template <class T>
  static T call(T a, T b, T) {
    return a | b;
  }
};
struct Xor {
  template <class T>
  static T call(T a, T b, T) {
    return a ^ b;
  }
};
struct Exch {
  template <class T>
  static T call(T, T b, T) {
    return b;
  }
};
struct Cas {
  template <class T>
  static T call(T a, T b, T c) {
    return a == b ? c : a;
  }
};
struct Inc {
  template <class T>
  static T call(T a, T b, T) {
    return a >= b ? 0 : a + 1;
  }
};
struct Dec {
  template <class T>
  static T call(T a, T b, T) {
    return a == 0 || a > b ? b : a - 1;
  }
};

/// Packed halves: F on each, NaN-quiet minimum and maximum.
template <bool BFloat>
struct Half {
  static float wide(uint32_t bits) {
    return BFloat ? bf16ToFloat(uint16_t(bits)) : f16ToFloat(uint16_t(bits));
  }
  static uint32_t narrow(float value) {
    return BFloat ? floatToBF16(value) : floatToF16(value);
  }
  static uint32_t one(uint32_t a, uint32_t b, int what) {
    float x = wide(a & 0xffff), y = wide(b & 0xffff);
    return narrow(what == 0   ? x + y
                  : what == 1 ? std::fmin(x, y)
                              : std::fmax(x, y));
  }
};
template <bool BFloat, int What>
struct HalfOp {
  template <class T>
  static T call(T a, T b, T) {
    if constexpr (sizeof(T) == 2)
      return T(Half<BFloat>::one(a, b, What));
    else
      return Half<BFloat>::one(a, b, What) |
             Half<BFloat>::one(a >> 16, b >> 16, What) << 16;
  }
};

/// o[0]: result or noRow; extras: the operands, element after element, then
/// for cas the new values.
template <class T, class F>
void atomic(const Op &op, Warp &warp, uint32_t mask) {
  std::byte *at[lanes];
  unsigned elements = op.width;
  resolve(op, warp, mask, unsigned(elements * sizeof(T)), at);
  const uint32_t *rows = warp.extras(op);
  for (unsigned k = 0; k < elements; ++k) {
    const T *b = warp.row<T>(rows[k]);
    const T *c = warp.row<T>(rows[op.flags & compares ? elements + k : k]);
    T *result = op.flags & answers ? warp.row<T>(rows[op.count - elements + k])
                                   : nullptr;
    for (unsigned i = 0; i < lanes; ++i) {
      if (!(mask >> i & 1))
        continue;
      T second = b[i], third = c[i];
      T old = exchange<T>(at[i] + k * sizeof(T), [&](T value) {
        return F::call(value, second, third);
      });
      if (result)
        result[i] = old;
    }
  }
}

/// What the tables below are made of: an instruction of lanes, or one number.
template <class T, class F>
struct OfLanes {
  static constexpr Handler run = atomic<T, F>;
};
template <class T, class F>
struct OfOne {
  static void run(std::byte *at, const std::byte *value) {
    T operand;
    std::memcpy(&operand, value, sizeof operand);
    exchange<T>(at, [&](T old) { return F::call(old, operand, operand); });
  }
};

template <class R, template <class, class> class Of, class T>
R integerAtomic(Modifier operation) {
  switch (operation) {
  case Modifier::Add:
    return Of<T, Add>::run;
  case Modifier::Min:
    return Of<T, Min>::run;
  case Modifier::Max:
    return Of<T, Max>::run;
  default:
    break;
  }
  if constexpr (std::is_unsigned_v<T>)
    switch (operation) {
    case Modifier::And:
      return Of<T, And>::run;
    case Modifier::Or:
      return Of<T, Or>::run;
    case Modifier::Xor:
      return Of<T, Xor>::run;
    case Modifier::Exch:
      return Of<T, Exch>::run;
    case Modifier::Cas:
      return Of<T, Cas>::run;
    case Modifier::Inc:
      return Of<T, Inc>::run;
    case Modifier::Dec:
      return Of<T, Dec>::run;
    default:
      break;
    }
  return nullptr;
}

template <class R, template <class, class> class Of, class T, bool BFloat>
R halfAtomic(Modifier operation) {
  switch (operation) {
  case Modifier::Add:
    return Of<T, HalfOp<BFloat, 0>>::run;
  case Modifier::Min:
    return Of<T, HalfOp<BFloat, 1>>::run;
  case Modifier::Max:
    return Of<T, HalfOp<BFloat, 2>>::run;
  default:
    return nullptr;
  }
}

template <class R, template <class, class> class Of>
R atomicOf(Type type, Modifier operation, bool isShared) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return integerAtomic<R, Of, uint16_t>(operation);
  case Type::B32:
  case Type::U32:
    return integerAtomic<R, Of, uint32_t>(operation);
  case Type::B64:
  case Type::U64:
    return integerAtomic<R, Of, uint64_t>(operation);
  case Type::S32:
    return operation == Modifier::Add
               ? integerAtomic<R, Of, uint32_t>(operation)
               : integerAtomic<R, Of, int32_t>(operation);
  case Type::S64:
    return operation == Modifier::Add
               ? integerAtomic<R, Of, uint64_t>(operation)
               : integerAtomic<R, Of, int64_t>(operation);
  case Type::F32:
    if (operation != Modifier::Add)
      return nullptr;
    // Only atomics of shared memory keep subnormal numbers.
    return isShared ? Of<float, Add>::run : Of<float, AddFlushed>::run;
  case Type::F64:
    return operation == Modifier::Add ? R(Of<double, Add>::run) : nullptr;
  case Type::F16:
    return halfAtomic<R, Of, uint16_t, false>(operation);
  case Type::BF16:
    return halfAtomic<R, Of, uint16_t, true>(operation);
  case Type::F16x2:
    return halfAtomic<R, Of, uint32_t, false>(operation);
  case Type::BF16x2:
    return halfAtomic<R, Of, uint32_t, true>(operation);
  default:
    return nullptr;
  }
}

} // namespace

Reduction reductionOf(Type type, Modifier operation, bool isShared) {
  return atomicOf<Reduction, OfOne>(type, operation, isShared);
}

void decodeAtomic(Decoder &decoder, const ptx::Instruction &instruction,
                  Op &op) {
  bool returns = instruction.opcode == ptx::Opcode::Atom;
  if (!returns && instruction.opcode != ptx::Opcode::Red)
    return;
  const auto &operands = instruction.operands;
  size_t next = returns ? 1 : 0;
  Type type = instruction.type();
  Modifier operation = instruction.modifier(ptx::ModifierClass::Operation);
  if (!decodeAddress(decoder, operands[next], instruction.space(), op))
    return;
  op.flags |= writes;
  auto rows = [&](const ptx::Operand &operand) {
    if (operand.is(ptx::Operand::Kind::Vector)) {
      for (const ptx::Operand &element : operand.elements)
        decoder.extra(op, decoder.row(element, type));
      return unsigned(operand.elements.size());
    }
    decoder.extra(op, decoder.row(operand, type));
    return 1u;
  };
  op.width = uint8_t(rows(operands[next + 1]));
  if (operation == Modifier::Cas) {
    rows(operands[next + 2]);
    op.flags |= compares;
  }
  if (returns && !operands[0].is(ptx::Operand::Kind::Sink)) {
    rows(operands[0]);
    op.flags |= answers;
  }
  Window where = window(op);
  op.handler = atomicOf<Handler, OfLanes>(
      type, operation, where == Window::Shared || where == Window::Cluster);
}

} // namespace moe::ptxsim
