// Calls through pointers, virtual functions, recursion, and memory from the stack. nvcc -arch=sm_80 -ptx
typedef float (*Activation)(float, float);

extern __shared__ float weights[];

__device__ __noinline__ float relu(float x, float) { return x > 0 ? x : 0; }
__device__ __noinline__ float leaky(float x, float slope) { return x > 0 ? x : x * slope; }
__device__ __noinline__ float scaled(float x, float by) {
  return x * by * weights[0];
}
__device__ Activation table[3] = {relu, leaky, scaled};

extern "C" __global__ void apply(const int *which, float *x, int n) {
  if (threadIdx.x == 0)
    weights[0] = 0.5f;
  __syncthreads();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    x[i] = table[which[i]](x[i], 4.0f);
}

struct Shape {
  __device__ virtual double area(double scale) const = 0;
};
struct Square : Shape {
  double side;
  __device__ Square(double s) : side(s) {}
  __device__ double area(double scale) const override { return side * side * scale; }
};
struct Circle : Shape {
  double radius;
  __device__ Circle(double r) : radius(r) {}
  __device__ double area(double scale) const override { return 3 * radius * radius * scale; }
};

extern "C" __global__ void areas(double *out) {
  Square square(threadIdx.x);
  Circle circle(threadIdx.x);
  const Shape *shape = threadIdx.x % 3 == 0 ? static_cast<const Shape *>(&square) : &circle;
  out[threadIdx.x] = shape->area(2);
}

__device__ __noinline__ int ackermann(int m, int n) {
  if (m == 0)
    return n + 1;
  if (n == 0)
    return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

extern "C" __global__ void recursion(int *out) { out[threadIdx.x] = ackermann(threadIdx.x % 3, threadIdx.x % 5); }

__device__ __noinline__ int sumOf(const int *values, int count) {
  int *copy = static_cast<int *>(alloca(count * sizeof(int)));
  for (int i = 0; i < count; i++)
    copy[i] = values[i] + 1;
  int sum = 0;
  for (int i = 0; i < count; i++)
    sum += copy[i];
  return sum;
}

extern "C" __global__ void stack(int *out) {
  int count = threadIdx.x % 7 + 1;
  int *values = static_cast<int *>(alloca(count * sizeof(int)));
  for (int i = 0; i < count; i++)
    values[i] = i * threadIdx.x;
  int sum = sumOf(values, count);
  for (int i = 0; i < count; i++)
    sum += 1000 * values[i];
  out[threadIdx.x] = sum;
}
