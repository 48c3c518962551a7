// Four numbers at once, and products with matrices that are much longer one way than the other.
#ifndef STANHIER_LANES_HPP
#define STANHIER_LANES_HPP

#include <stan/math/prim/fun/Eigen.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "clones.hpp"

namespace stanhier {
namespace multilevel {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kLanes = 4;
typedef double Lanes __attribute__((vector_size(kLanes * sizeof(double))));

STANHIER_INLINE void load(const double* from, Lanes& to) { std::memcpy(&to, from, sizeof(Lanes)); }

// What lies `stride` apart, from four strata beginning with h; those beyond the last are the last.
STANHIER_INLINE void gather(const double* from, Index stride, int h, int last, Lanes& to) {
  const double *a = from + h * stride, *b = from + std::min(h + 1, last) * stride;
  const double *c = from + std::min(h + 2, last) * stride, *d = from + std::min(h + 3, last) * stride;
  to = Lanes{*a, *b, *c, *d};
}

STANHIER_CLONES double sum(int size, const double* x) {
  Lanes a = {}, b = {};
  int i = 0;
  for (; i + 2 * kLanes <= size; i += 2 * kLanes) {
    Lanes u, v;
    load(x + i, u);
    load(x + i + kLanes, v);
    a += u;
    b += v;
  }
  a += b;
  double rest = 0;
  for (; i < size; ++i) rest += x[i];
  return (a[0] + a[1]) + (a[2] + a[3]) + rest;
}

// Products with a matrix of few rows and many columns, column by column. Four rows are one step; the last step begins
// where it ends with the last row.
constexpr int kSteps = 6;

STANHIER_INLINE int row_of(int step, int rows) { return std::min(step * kLanes, rows - kLanes); }

template <int Steps>
STANHIER_INLINE void times_steps(const double* matrix, int rows, Index cols, int first, const double* x, double* to) {
  Lanes sums[Steps] = {};
  for (Index c = 0; c < cols; ++c)
    for (int s = 0; s < Steps; ++s) {
      Lanes m;
      load(matrix + c * rows + row_of(first + s, rows), m);
      sums[s] += m * x[c];
    }
  for (int s = 0; s < Steps; ++s) std::memcpy(to + row_of(first + s, rows), &sums[s], sizeof(Lanes));
}

STANHIER_CLONES void times_lanes(const double* matrix, int rows, Index cols, const double* x, double* to) {
  const int steps = (rows + kLanes - 1) / kLanes;
  int s = 0;
  for (; s + kSteps <= steps; s += kSteps) times_steps<kSteps>(matrix, rows, cols, s, x, to);
  switch (steps - s) {
    case 5: return times_steps<5>(matrix, rows, cols, s, x, to);
    case 4: return times_steps<4>(matrix, rows, cols, s, x, to);
    case 3: return times_steps<3>(matrix, rows, cols, s, x, to);
    case 2: return times_steps<2>(matrix, rows, cols, s, x, to);
    case 1: return times_steps<1>(matrix, rows, cols, s, x, to);
  }
}

STANHIER_CLONES void transposed_times_lanes(const double* matrix, int rows, Index cols, const double* x, double* to) {
  const int steps = (rows + kLanes - 1) / kLanes;
  Lanes last;
  load(x + rows - kLanes, last);
  for (int i = 0; i < steps * kLanes - rows; ++i) last[i] = 0;  // counted by the step before
  for (Index c = 0; c < cols; c += kLanes) {
    Lanes sums[kLanes] = {};
    const double* at[kLanes];
    for (int i = 0; i < kLanes; ++i) at[i] = matrix + std::min(c + i, cols - 1) * rows;
    for (int s = 0; s < steps; ++s) {
      const int row = row_of(s, rows);
      Lanes weights;
      load(x + row, weights);
      if (s == steps - 1) weights = last;
      for (int i = 0; i < kLanes; ++i) {
        Lanes m;
        load(at[i] + row, m);
        sums[i] += m * weights;
      }
    }
    for (int i = 0; i < kLanes && c + i < cols; ++i) to[c + i] = (sums[i][0] + sums[i][1]) + (sums[i][2] + sums[i][3]);
  }
}

template <typename Matrix>
void times(const Matrix& matrix, const VectorXd& x, VectorXd& to) {
  to.resize(matrix.rows());
  if (matrix.rows() >= kLanes)
    times_lanes(matrix.data(), matrix.rows(), matrix.cols(), x.data(), to.data());
  else
    to.noalias() = matrix * x;
}

template <typename Matrix>
void transposed_times(const Matrix& matrix, const VectorXd& x, VectorXd& to) {
  to.resize(matrix.cols());
  if (matrix.rows() >= kLanes)
    transposed_times_lanes(matrix.data(), matrix.rows(), matrix.cols(), x.data(), to.data());
  else
    to.noalias() = matrix.transpose() * x;
}

// Room for q x q lanes, all 0. std::vector does not align them for the widest registers.
class Lines {
 public:
  explicit Lines(int q) : memory((q * q + 1) * kLanes) {
    void* at = memory.data();
    std::size_t room = memory.size() * sizeof(double);
    first = static_cast<Lanes*>(std::align(sizeof(Lanes), q * q * sizeof(Lanes), at, room));
  }
  Lines(const Lines&) = delete;

  Lanes& operator[](int k) { return first[k]; }

 private:
  std::vector<double> memory;
  Lanes* first;
};

// Fixed sizes are unrolled; Q = 0 means that the size is known at run time alone.
template <int Q>
using Square = std::conditional_t<(Q > 0), std::array<Lanes, Q * Q>, Lines>;

template <int Q>
Square<Q> square(int q) {
  if constexpr (Q > 0) {
    return {};
  } else {
    return Lines(q);
  }
}

}  // namespace multilevel
}  // namespace stanhier
#endif
