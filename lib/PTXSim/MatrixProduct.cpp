// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixProduct.h"

#include <algorithm>
#include <cmath>

namespace moe::ptxsim {

using ptx::Type;

TensorFormat tensorFormatOf(Type type) {
  switch (type) {
  case Type::F16:
    return TensorFormat::F16;
  case Type::BF16:
    return TensorFormat::BF16;
  case Type::TF32:
    return TensorFormat::TF32;
  case Type::E4M3:
    return TensorFormat::E4M3;
  default:
    return TensorFormat::E5M2;
  }
}

MatrixProduct::MatrixProduct(ptx::Shape shape, unsigned kept, Types types)
    : shape(shape), kept(kept), types(types), a(size_t(shape.m) * kept),
      b(size_t(shape.k) * shape.n), c(size_t(shape.m) * shape.n) {
  if (kept < shape.k)
    places.resize(a.size());
}

double MatrixProduct::value(Type type, uint64_t bits) {
  switch (type) {
  case Type::F64:
    return bitCast<double>(bits);
  case Type::F32:
    return double(bitCast<float>(uint32_t(bits)));
  case Type::F16:
  case Type::BF16:
  case Type::TF32:
  case Type::E4M3:
  case Type::E5M2:
    return double(tensorOperand(tensorFormatOf(type), uint32_t(bits)));
  default: {
    unsigned shift = 64 - ptx::bitWidth(type);
    return ptx::isSigned(type) ? double(int64_t(bits << shift) >> shift)
                               : double(bits << shift >> shift);
  }
  }
}

uint64_t MatrixProduct::bitsOf(Type type, double value) {
  switch (type) {
  case Type::F64:
    return bitCast<uint64_t>(value);
  case Type::F32:
    return bitCast<uint32_t>(float(value));
  case Type::F16:
    return floatToF16(float(value));
  default:
    return uint32_t(int64_t(value));
  }
}

void MatrixProduct::multiply(const Device &device) {
  if (types.a == Type::F64)
    multiplyDoubles();
  else if (types.d == Type::S32)
    multiplyIntegers();
  else
    multiplyFloats(device);
}

void MatrixProduct::multiplyDoubles() {
  for (unsigned row = 0; row < shape.m; ++row)
    for (unsigned k = 0; k < shape.k; ++k)
      for (unsigned n = 0; n < shape.n; ++n) {
        double &sum = c[row * shape.n + n];
        sum = __builtin_fma(a[row * kept + k], b[k * shape.n + n], sum);
      }
}

void MatrixProduct::multiplyIntegers() {
  for (unsigned row = 0; row < shape.m; ++row) {
    double *sum = &c[row * shape.n];
    for (unsigned i = 0; i < kept; ++i) {
      double left = a[row * kept + i];
      const double *right =
          &b[(places.empty() ? i : places[row * kept + i]) * shape.n];
      for (unsigned n = 0; n < shape.n; ++n)
        sum[n] += xors ? double(left != right[n]) : left * right[n];
    }
    for (unsigned n = 0; n < shape.n && saturates; ++n)
      sum[n] = std::min(std::max(sum[n], double(INT32_MIN)), double(INT32_MAX));
  }
}

/// Sparse rows meet different rows of B, so each is a tile of its own; its
/// blocks are of products that are there.
void MatrixProduct::multiplyFloats(const Device &device) {
  const Properties &p = device.properties();
  TensorTile tile(
      tensorModel(tensorArch(p.major, p.minor), tensorFormatOf(types.a)),
      tensorFormatOf(types.a), tensorFormatOf(types.b),
      types.d == Type::F16 ? Accumulator::F16 : Accumulator::F32,
      device.options.exactTensorCores);
  constexpr unsigned columns = TensorTile::columns;
  const unsigned height =
      places.empty() ? std::min<unsigned>(shape.m, TensorTile::maxRows) : 1;
  for (unsigned row = 0; row < shape.m; row += height)
    for (unsigned first = 0; first < shape.n; first += columns) {
      tile.resize(height, kept);
      float sums[TensorTile::maxRows * columns];
      for (unsigned r = 0; r < height; ++r) {
        for (unsigned i = 0; i < kept; ++i)
          tile.rowA(r)[i] = float(a[(row + r) * kept + i]);
        for (unsigned n = 0; n < columns; ++n)
          sums[r * columns + n] = float(c[(row + r) * shape.n + first + n]);
      }
      for (unsigned i = 0; i < kept; ++i) {
        unsigned k = places.empty() ? i : places[row * kept + i];
        for (unsigned n = 0; n < columns; ++n)
          tile.rowB(i)[n] = float(b[k * shape.n + first + n]);
      }
      tile.multiply(sums);
      for (unsigned r = 0; r < height; ++r)
        for (unsigned n = 0; n < columns; ++n)
          c[(row + r) * shape.n + first + n] = double(sums[r * columns + n]);
    }
  if (!saturates)
    return;
  double most =
      decode(types.d == Type::F16 ? f16Format : f32Format,
             (types.d == Type::F16 ? f16Format : f32Format).largest());
  for (double &sum : c)
    sum = std::isnan(sum) ? 0 : std::min(std::max(sum, -most), most);
}

} // namespace moe::ptxsim
