// Stretches of rows: their linear predictors from location and effects, and derivatives with respect to these.
#ifndef STANHIER_STRETCHES_HPP
#define STANHIER_STRETCHES_HPP

#include <algorithm>

#include "lanes.hpp"

namespace stanhier {
namespace effects {

using multilevel::Index;
using multilevel::kLanes;
using multilevel::Lanes;
using multilevel::load;

// Rows of one stretch: what is needed for each stays in the fastest memory.
constexpr int kStretch = 1024;

// eta += X x, from some rows of a matrix whose columns are `stride` apart
STANHIER_WIDE_CLONES void add_columns(int N, int P, const double* __restrict X, Index stride,
                                      const double* __restrict x, double* __restrict eta) {
  int c = 0;
  for (; c + 4 <= P; c += 4) {
    const double *a = X + c * stride, *b = a + stride, *d = b + stride, *e = d + stride;
    for (int i = 0; i < N; ++i) eta[i] += (a[i] * x[c] + b[i] * x[c + 1]) + (d[i] * x[c + 2] + e[i] * x[c + 3]);
  }
  for (; c < P; ++c)
    for (int i = 0; i < N; ++i) eta[i] += X[c * stride + i] * x[c];
}

template <int Columns>
STANHIER_INLINE void add_column_products(int N, const double* X, Index stride, const double* r, double* to) {
  Lanes a[Columns] = {}, b[Columns] = {};
  int i = 0;
  for (; i + 2 * kLanes <= N; i += 2 * kLanes) {
    Lanes u, v;
    load(r + i, u);
    load(r + i + kLanes, v);
    for (int c = 0; c < Columns; ++c) {
      Lanes x, y;
      load(X + c * stride + i, x);
      load(X + c * stride + i + kLanes, y);
      a[c] += u * x;
      b[c] += v * y;
    }
  }
  for (int c = 0; c < Columns; ++c) {
    const Lanes s = a[c] + b[c];
    double rest = 0;
    for (int k = i; k < N; ++k) rest += X[c * stride + k] * r[k];
    to[c] += (s[0] + s[1]) + (s[2] + s[3]) + rest;
  }
}

// to += X' r
STANHIER_CLONES void add_products(int N, int P, const double* X, Index stride, const double* r, double* to) {
  int c = 0;
  for (; c + 4 <= P; c += 4) add_column_products<4>(N, X + c * stride, stride, r, to + c);
  switch (P - c) {
    case 3: return add_column_products<3>(N, X + c * stride, stride, r, to + c);
    case 2: return add_column_products<2>(N, X + c * stride, stride, r, to + c);
    case 1: return add_column_products<1>(N, X + c * stride, stride, r, to + c);
  }
}

// One effect of all levels of a term, `q` apart and level 1 first; z is its column, none for the constant 1.
STANHIER_WIDE_CLONES void gather_effects(int N, const int* __restrict g, const double* __restrict z, int q,
                                         const double* __restrict effects, double* __restrict eta) {
  const double* b = effects - q;
  if (z != nullptr) {
    for (int i = 0; i < N; ++i) eta[i] += z[i] * b[static_cast<Index>(g[i]) * q];
  } else if (q == 1) {
    for (int i = 0; i < N; ++i) eta[i] += b[g[i]];
  } else {
    for (int i = 0; i < N; ++i) eta[i] += b[static_cast<Index>(g[i]) * q];
  }
}

// Adds r to the level of each row. Runs of rows of one level are summed first: a sum that goes to memory and back with
// each row would wait for itself.
template <bool Slope>
void scatter_runs(int N, const int* g, const double* z, int q, const double* r, double* adj) {
  for (int i = 0; i < N;) {
    const int level = g[i];
    double s = 0;
    do {
      if constexpr (Slope)
        s += z[i] * r[i];
      else
        s += r[i];
      ++i;
    } while (i < N && g[i] == level);
    adj[static_cast<Index>(level - 1) * q] += s;
  }
}

// The same for terms of so few levels that runs end at random: four sums for each, which take turns.
constexpr int kFewLevels = 256;

template <bool Slope>
void scatter_copies(int N, const int* g, const double* z, int q, const double* r, double* copies) {
  const auto add = [&](int i, int turn) {
    copies[4 * static_cast<Index>(g[i] - 1) * q + turn] += Slope ? z[i] * r[i] : r[i];
  };
  int i = 0;
  for (; i + 4 <= N; i += 4)
    for (int turn = 0; turn < 4; ++turn) add(i + turn, turn);
  for (; i < N; ++i) add(i, 0);
}

inline void add_copies(int J, int q, const double* copies, double* adj) {
  for (Index j = 0; j < J; ++j) {
    const double* c = copies + 4 * j * q;
    adj[j * q] += (c[0] + c[1]) + (c[2] + c[3]);
  }
}

// The same for the rows from..to of the term by which they are sorted; level k has rows first[k] - 1 to
// first[k + 1] - 2, and `level` the first row. z and r begin with row `from`.
template <bool Slope>
STANHIER_CLONES void scatter_segments(int from, int to, int level, const int* first, const double* z, int q,
                                      const double* r, double* adj) {
  for (int i = from; i < to; ++level) {
    const int end = std::min(first[level + 1] - 1, to);
    Lanes lanes = {};
    for (; i + kLanes <= end; i += kLanes) {
      Lanes x;
      load(r + (i - from), x);
      if constexpr (Slope) {
        Lanes y;
        load(z + (i - from), y);
        x *= y;
      }
      lanes += x;
    }
    double s = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    for (; i < end; ++i) {
      if constexpr (Slope)
        s += z[i - from] * r[i - from];
      else
        s += r[i - from];
    }
    adj[static_cast<Index>(level) * q] += s;
  }
}

}  // namespace effects
}  // namespace stanhier
#endif
