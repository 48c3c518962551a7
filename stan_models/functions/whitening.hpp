// Effects from coordinates zeta that are nearly standard normal, and back from adjoint to adjoint: the recursions that
// explicit_effects.stan states. One effect per level is written out; more are done four levels at a time.
#ifndef STANHIER_WHITENING_HPP
#define STANHIER_WHITENING_HPP

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "covariance.hpp"
#include "elementary.hpp"
#include "lanes.hpp"

namespace stanhier {
namespace effects {

using multilevel::Index;
using multilevel::kLanes;
using multilevel::Lanes;
using multilevel::MatrixXd;
using multilevel::pairs_of;
using multilevel::Square;
using multilevel::sum;
using multilevel::VectorXd;

// The levels of one term: J of them with q effects each. All pointers but `kept` and `info` go to vectors with one
// number per effect; `kept` is what the way forward leaves to the way back.
struct Levels {
  int J, q;
  const double *info, *rhs, *zeta;
  double omega;  // multiplies info; rhs has it already
  double *effects, *kept;
  const double* adj_effects;
  double *adj_zeta, *adj_rhs;

  static int room(int J, int q) {
    return q == 1 ? 4 * J : (J + kLanes - 1) / kLanes * kLanes * (pairs_of(q) + 2 * q);
  }
};

STANHIER_WIDE_CLONES void widths(int J, double lambda, double omega, const double* __restrict info,
                                 double* __restrict m) {
  for (int j = 0; j < J; ++j) m[j] = 1.0 + lambda * lambda * omega * info[j];
}

STANHIER_WIDE_CLONES void single_effects(int J, double lambda, const double* __restrict root,
                                         const double* __restrict rhs, const double* __restrict zeta,
                                         double* __restrict v, double* __restrict b) {
  for (int j = 0; j < J; ++j) {
    v[j] = root[j] * (root[j] * lambda * rhs[j] + zeta[j]);
    b[j] = lambda * v[j];
  }
}

STANHIER_WIDE_CLONES void log_terms(int J, const double* __restrict m, const double* __restrict v,
                                    double* __restrict terms) {
  for (int j = 0; j < J; ++j) terms[j] = v[j] * v[j] + logarithm(m[j]);
}

// Into `of_lambda` and `of_omega` what is to be summed to the adjoints of lambda and, but for rhs, of log(omega).
STANHIER_WIDE_CLONES void reverse_single(int J, double lambda, double omega, const double* __restrict info,
                                         const double* __restrict root, const double* __restrict v,
                                         const double* __restrict rhs, const double* __restrict zeta,
                                         const double* __restrict adj_b, double* __restrict adj_zeta,
                                         double* __restrict adj_rhs, double* __restrict of_lambda,
                                         double* __restrict of_omega) {
  for (int j = 0; j < J; ++j) {
    const double f = root[j], inverse = f * f, adj_v = lambda * adj_b[j] - v[j];
    const double adj_m = -adj_v * inverse * (lambda * rhs[j] * inverse + 0.5 * zeta[j] * f) - 0.5 * inverse;
    const double moved = adj_m * lambda * omega * info[j];
    adj_zeta[j] = adj_v * f;
    adj_rhs[j] = adj_v * lambda * inverse;
    of_lambda[j] = adj_b[j] * v[j] + adj_v * rhs[j] * inverse + 2.0 * moved;
    of_omega[j] = moved * lambda;
  }
}

// Terms of one effect.
inline double whiten_single(const Levels& t, double lambda) {
  double *m = t.kept, *root = m + t.J, *v = root + t.J, *terms = v + t.J;
  widths(t.J, lambda, t.omega, t.info, m);
  for (int j = 0; j < t.J; ++j) root[j] = 1 / std::sqrt(m[j]);
  single_effects(t.J, lambda, root, t.rhs, t.zeta, v, t.effects);
  log_terms(t.J, m, v, terms);
  return -0.5 * sum(t.J, terms);
}

inline double reverse_whiten_single(const Levels& t, double lambda, double& adj_lambda) {
  double *of_lambda = t.kept, *root = of_lambda + t.J, *v = root + t.J, *of_omega = v + t.J;
  reverse_single(t.J, lambda, t.omega, t.info, root, v, t.rhs, t.zeta, t.adj_effects, t.adj_zeta, t.adj_rhs, of_lambda,
                 of_omega);
  adj_lambda += sum(t.J, of_lambda);
  return sum(t.J, of_omega);
}

// Four levels of several effects each, beginning with j; those beyond the last are the last. A vector is the beginning
// of a square.
template <int Q>
struct FourLevels {
  const int q, j, last;
  Square<Q> HLambda, L;  // omega H Lambda; the factor of M, its diagonal inverted

  FourLevels(const Levels& t, int q, int j)
      : q(q), j(j), last(t.J - 1), HLambda(multilevel::square<Q>(q)), L(multilevel::square<Q>(q)) {}

  STANHIER_INLINE void vector(const double* from, Square<Q>& to) const {
    for (int k = 0; k < q; ++k) multilevel::gather(from + k, q, j, last, to[k]);
  }

  STANHIER_INLINE void store(const Square<Q>& from, double* to) const {
    for (int i = 0; i < std::min(kLanes, last + 1 - j); ++i)
      for (int k = 0; k < q; ++k) to[static_cast<Index>(j + i) * q + k] = const_cast<Square<Q>&>(from)[k][i];
  }

  STANHIER_INLINE void information(const Levels& t, const MatrixXd& Lambda, Square<Q>& H) {
    for (int k = 0, p = 0; k < q; ++k)
      for (int l = 0; l <= k; ++l, ++p) {
        multilevel::gather(t.info + p, pairs_of(q), j, last, H[k * q + l]);
        H[k * q + l] *= t.omega;
        H[l * q + k] = H[k * q + l];
      }
    for (int k = 0; k < q; ++k)
      for (int l = 0; l < q; ++l) {
        Lanes s = {};
        for (int m = l; m < q; ++m) s += H[k * q + m] * Lambda(m, l);
        HLambda[k * q + l] = s;
      }
  }

  // L of M = I + Lambda' H Lambda; gives the product of the inverse diagonal.
  STANHIER_INLINE Lanes factorise(const MatrixXd& Lambda) {
    Lanes product = Lanes{} + 1.0;
    for (int l = 0; l < q; ++l)
      for (int k = l; k < q; ++k) {
        Lanes s = {};
        if (k == l) s += 1.0;
        for (int m = k; m < q; ++m) s += Lambda(m, k) * HLambda[m * q + l];
        for (int m = 0; m < l; ++m) s -= L[k * q + m] * L[l * q + m];
        if (k == l) {
          for (int i = 0; i < kLanes; ++i) s[i] = 1 / std::sqrt(s[i]);
          product *= s;
        } else {
          s *= L[l * q + l];
        }
        L[k * q + l] = s;
      }
    return product;
  }

  STANHIER_INLINE void times(const MatrixXd& Lambda, Square<Q>& x, Square<Q>& to) const {
    for (int k = 0; k < q; ++k) {
      Lanes s = {};
      for (int l = 0; l <= k; ++l) s += Lambda(k, l) * x[l];
      to[k] = s;
    }
  }

  STANHIER_INLINE void transposed_times(const MatrixXd& Lambda, Square<Q>& x, Square<Q>& to) const {
    for (int l = 0; l < q; ++l) {
      Lanes s = {};
      for (int k = l; k < q; ++k) s += Lambda(k, l) * x[k];
      to[l] = s;
    }
  }

  STANHIER_INLINE void solve(Square<Q>& x) {
    for (int k = 0; k < q; ++k) {
      for (int l = 0; l < k; ++l) x[k] -= L[k * q + l] * x[l];
      x[k] *= L[k * q + k];
    }
  }

  // with the transpose of L; x may be a column of a matrix, its elements `stride` apart
  template <typename X>
  STANHIER_INLINE void solve_transposed(X& x, int column = 0, int stride = 1) {
    for (int k = q - 1; k >= 0; --k) {
      for (int l = k + 1; l < q; ++l) x[k * stride + column] -= L[l * q + k] * x[l * stride + column];
      x[k * stride + column] *= L[k * q + k];
    }
  }
};

// L, v and a of four levels at a time, as `whiten_several` leaves them.
template <int Q, typename Move>
STANHIER_INLINE void move_kept(FourLevels<Q>& four, Square<Q>& v, Square<Q>& a, double* kept, const Move& move) {
  const int q = four.q;
  double* at = kept + static_cast<Index>(four.j) * (pairs_of(q) + 2 * q);
  for (int k = 0; k < q; ++k)
    for (int l = 0; l <= k; ++l, at += kLanes) move(four.L[k * q + l], at);
  for (int k = 0; k < q; ++k, at += kLanes) move(v[k], at);
  for (int k = 0; k < q; ++k, at += kLanes) move(a[k], at);
}

template <int Q>
STANHIER_CLONES double whiten_several(const Levels& t, const MatrixXd& Lambda) {
  const int q = Q > 0 ? Q : t.q;
  Square<Q> H = multilevel::square<Q>(q), a = multilevel::square<Q>(q), x = multilevel::square<Q>(q);
  double lp = 0;
  for (int j = 0; j < t.J; j += kLanes) {
    FourLevels<Q> four(t, q, j);
    four.information(t, Lambda, H);
    const Lanes product = four.factorise(Lambda);
    four.vector(t.rhs, x);
    four.transposed_times(Lambda, x, a);
    four.solve(a);
    four.vector(t.zeta, x);
    Lanes squares = {};
    for (int k = 0; k < q; ++k) x[k] += a[k];
    four.solve_transposed(x);
    for (int k = 0; k < q; ++k) squares += x[k] * x[k];
    move_kept<Q>(four, x, a, t.kept, [](Lanes& lanes, double* to) { std::memcpy(to, &lanes, sizeof(Lanes)); });
    for (int i = 0; i < std::min(kLanes, t.J - j); ++i) lp += std::log(product[i]) - 0.5 * squares[i];
    four.times(Lambda, x, a);
    four.store(a, t.effects);
  }
  return lp;
}

// Adds to the adjoint of Lambda; gives that of log(omega), but for rhs.
template <int Q>
STANHIER_CLONES double reverse_whiten_several(const Levels& t, const MatrixXd& Lambda, MatrixXd& adj_Lambda) {
  const int q = Q > 0 ? Q : t.q;
  const auto make = [q] { return multilevel::square<Q>(q); };
  Square<Q> H = make(), v = make(), a = make(), b = make(), w = make(), p = make(), rhs = make();
  Square<Q> S = make(), G = make();
  Square<Q> direct = make(), by_M = make();  // sums of two parts of the adjoint of Lambda
  for (int j = 0; j < t.J; j += kLanes) {
    FourLevels<Q> four(t, q, j);
    const Lanes inside = {1, j + 1 < t.J ? 1.0 : 0.0, j + 2 < t.J ? 1.0 : 0.0, j + 3 < t.J ? 1.0 : 0.0};
    four.information(t, Lambda, H);
    move_kept<Q>(four, v, a, t.kept, [](Lanes& lanes, double* from) { multilevel::load(from, lanes); });
    Square<Q>& L = four.L;
    four.vector(t.adj_effects, b);
    four.vector(t.rhs, rhs);
    four.transposed_times(Lambda, b, w);
    for (int k = 0; k < q; ++k) w[k] -= v[k];
    four.solve(w);
    for (int k = 0; k < q; ++k) p[k] = w[k];
    four.solve_transposed(p);
    four.store(w, t.adj_zeta);
    // The adjoint of L is -v w' - p a' - 1 / diagonal, its lower triangle; from it that of M (Murray 2016,
    // arXiv:1602.07527): inverse(L') S inverse(L), S the lower triangle of L' times it, half the diagonal.
    for (int k = 0; k < q; ++k)
      for (int l = 0; l <= k; ++l) {
        Lanes s = {};
        for (int m = k; m < q; ++m) {
          Lanes adj_L = -v[m] * w[l] - p[m] * a[l];
          if (m == l) adj_L -= L[m * q + m];
          if (m == k)
            s += adj_L / L[m * q + m];
          else
            s += L[m * q + k] * adj_L;
        }
        S[k * q + l] = k == l ? 0.5 * s : s;
      }
    for (int k = 0; k < q; ++k)
      for (int l = k; l >= 0; --l) {
        for (int m = l + 1; m <= k; ++m) S[k * q + l] -= S[k * q + m] * L[m * q + l];
        S[k * q + l] *= L[l * q + l];
      }
    for (int k = 0; k < q; ++k)
      for (int l = 0; l < q; ++l) G[k * q + l] = l <= k ? S[k * q + l] : Lanes{};
    for (int l = 0; l < q; ++l) four.solve_transposed(G, l, q);
    for (int k = 0; k < q; ++k)
      for (int l = 0; l <= k; ++l) {
        Lanes s = {};
        for (int m = 0; m < q; ++m) s += four.HLambda[k * q + m] * (G[m * q + l] + G[l * q + m]);
        by_M[k * q + l] += inside * s;
        direct[k * q + l] += inside * (b[k] * v[l] + rhs[k] * p[l]);
      }
    four.times(Lambda, p, w);
    four.store(w, t.adj_rhs);
  }
  double of_omega = 0;
  for (int k = 0; k < q; ++k)
    for (int l = 0; l <= k; ++l) {
      const Lanes &s = by_M[k * q + l], &d = direct[k * q + l];
      const double moved = (s[0] + s[1]) + (s[2] + s[3]);
      adj_Lambda(k, l) += moved + (d[0] + d[1]) + (d[2] + d[3]);
      of_omega += 0.5 * Lambda(k, l) * moved;
    }
  return of_omega;
}

template <typename Call>
auto with_effects(int q, const Call& call) {
  switch (q) {
    case 2: return call(std::integral_constant<int, 2>());
    case 3: return call(std::integral_constant<int, 3>());
    case 4: return call(std::integral_constant<int, 4>());
    case 5: return call(std::integral_constant<int, 5>());
    default: return call(std::integral_constant<int, 0>());
  }
}

}  // namespace effects
}  // namespace stanhier
#endif
