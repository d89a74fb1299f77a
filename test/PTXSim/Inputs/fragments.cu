// Every shape and type of wmma, one product of one warp each. nvcc -arch=sm_80 -ptx
#include <mma.h>
using namespace nvcuda;
using namespace nvcuda::wmma::experimental;

#define PRODUCT(NAME, M, N, K, TA, TB, TC, TD, LA, LB, LC)                                         \
  extern "C" __global__ void NAME(const TA *a, const TB *b, const TC *c, TD *d, int lda, int ldb, \
                                  int ldc) {                                                       \
    wmma::fragment<wmma::matrix_a, M, N, K, TA, wmma::LA> fa;                                      \
    wmma::fragment<wmma::matrix_b, M, N, K, TB, wmma::LB> fb;                                      \
    wmma::fragment<wmma::accumulator, M, N, K, TC> fc;                                             \
    wmma::fragment<wmma::accumulator, M, N, K, TD> fd;                                             \
    wmma::load_matrix_sync(fa, a, lda);                                                            \
    wmma::load_matrix_sync(fb, b, ldb);                                                            \
    wmma::load_matrix_sync(fc, c, ldc, wmma::mem_##LC);                                            \
    wmma::mma_sync(fd, fa, fb, fc);                                                                \
    for (int i = 0; i < fd.num_elements; i++)                                                      \
      fd.x[i] = fd.x[i] + fd.x[i];                                                                 \
    wmma::store_matrix_sync(d, fd, ldc, wmma::mem_##LC);                                           \
  }

PRODUCT(f16_16x16, 16, 16, 16, half, half, float, float, row_major, col_major, row_major)
PRODUCT(f16_16x16_cr, 16, 16, 16, half, half, float, float, col_major, row_major, col_major)
PRODUCT(f16_32x8, 32, 8, 16, half, half, half, half, row_major, row_major, row_major)
PRODUCT(f16_8x32, 8, 32, 16, half, half, half, float, col_major, col_major, row_major)
PRODUCT(bf16_16x16, 16, 16, 16, __nv_bfloat16, __nv_bfloat16, float, float, row_major, row_major, row_major)
PRODUCT(bf16_32x8, 32, 8, 16, __nv_bfloat16, __nv_bfloat16, float, float, col_major, col_major, col_major)
PRODUCT(bf16_8x32, 8, 32, 16, __nv_bfloat16, __nv_bfloat16, float, float, row_major, col_major, row_major)
PRODUCT(s8_16x16, 16, 16, 16, signed char, signed char, int, int, row_major, col_major, row_major)
PRODUCT(u8_32x8, 32, 8, 16, unsigned char, unsigned char, int, int, col_major, row_major, row_major)
PRODUCT(s8_8x32, 8, 32, 16, signed char, signed char, int, int, row_major, row_major, col_major)
PRODUCT(f64_8x8, 8, 8, 4, double, double, double, double, row_major, col_major, row_major)
PRODUCT(f64_8x8_cr, 8, 8, 4, double, double, double, double, col_major, row_major, col_major)

extern "C" __global__ void tf32_16x16(const float *a, const float *b, float *c, int ld) {
  wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> fc;
  wmma::load_matrix_sync(fa, a, ld);
  wmma::load_matrix_sync(fb, b, ld);
  wmma::fill_fragment(fc, 1.0f);
  for (int i = 0; i < fa.num_elements; i++)
    fa.x[i] = wmma::__float_to_tf32(fa.x[i]);
  for (int i = 0; i < fb.num_elements; i++)
    fb.x[i] = wmma::__float_to_tf32(fb.x[i]);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
}

// Numbers of 4 bits, of 1 bit; rows of A and columns of B lie side by side.
extern "C" __global__ void s4_8x8(const int *a, const int *b, int *c) {
  __shared__ int sa[32], sb[32];
  sa[threadIdx.x] = a[threadIdx.x];
  sb[threadIdx.x] = b[threadIdx.x];
  __syncwarp();
  wmma::fragment<wmma::matrix_a, 8, 8, 32, precision::s4, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 32, precision::s4, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 8, 8, 32, int> fc;
  wmma::load_matrix_sync(fa, sa, 32);
  wmma::load_matrix_sync(fb, sb, 32);
  wmma::fill_fragment(fc, 5);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 8, wmma::mem_row_major);
}

extern "C" __global__ void b1_8x8(const unsigned *a, const unsigned *b, int *xors, int *ands) {
  wmma::fragment<wmma::matrix_a, 8, 8, 128, precision::b1, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 128, precision::b1, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 8, 8, 128, int> fc;
  wmma::load_matrix_sync(fa, a, 128);
  wmma::load_matrix_sync(fb, b, 128);
  wmma::fill_fragment(fc, 0);
  bmma_sync(fc, fa, fb, fc, bmmaBitOpXOR);
  wmma::store_matrix_sync(xors, fc, 8, wmma::mem_row_major);
  wmma::fill_fragment(fc, 0);
  bmma_sync(fc, fa, fb, fc, bmmaBitOpAND);
  wmma::store_matrix_sync(ands, fc, 8, wmma::mem_row_major);
}
