// Families of responses: of rows their log densities, up to constants, and derivatives with respect to eta.
#ifndef STANHIER_FAMILIES_HPP
#define STANHIER_FAMILIES_HPP

#include <stan/math/prim/fun/digamma.hpp>
#include <stan/math/prim/fun/lgamma.hpp>
#include <algorithm>
#include <cmath>
#include <vector>

#include "elementary.hpp"
#include "stretches.hpp"

namespace stanhier {
namespace effects {

using multilevel::kLanes;
using multilevel::Lanes;
using multilevel::load;
using multilevel::sum;

enum Family { kNormal, kBinomialLogit, kBinomialProbit, kPoisson, kNegativeBinomial, kStudentT };

// Rows in a row: predictors and data, n being none where it is 1 for all, and what families make of them. The derivative
// goes into r; log density and what auxiliary parameters need, of which sums are taken elsewhere because sums inside
// keep loops from becoming vectors, into l and d. A sum of logarithms is that of the product of what goes into m.
struct Rows {
  int size;
  const double *eta, *y, *n;
  double *r, *l, *d, *m;
};

// Of numbers between 1 / 2 and 2, at most 4000 of them
STANHIER_CLONES double log_product(int size, const double* x) {
  Lanes a = {1, 1, 1, 1};
  int i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    Lanes u;
    load(x + i, u);
    a *= u;
  }
  double rest = 1;
  for (; i < size; ++i) rest *= x[i];
  return (std::log(a[0]) + std::log(a[1])) + (std::log(a[2]) + std::log(a[3])) + std::log(rest);
}

// l: weighted squares, without the factor -1 / (2 sigma^2)
STANHIER_WIDE_CLONES void normal_rows(int N, const double* __restrict eta, const double* __restrict y,
                                      const double* __restrict n, double precision, double* __restrict r,
                                      double* __restrict l) {
  for (int i = 0; i < N; ++i) {
    const double residual = y[i] - eta[i], weighted = n[i] * residual;
    l[i] = weighted * residual;
    r[i] = precision * weighted;
  }
}

STANHIER_WIDE_CLONES void binomial_logit_rows(int N, const double* __restrict eta, const double* __restrict y,
                                              const double* __restrict n, double* __restrict r,
                                              double* __restrict l) {
  for (int i = 0; i < N; ++i) {
    const Logistic f = logistic(eta[i]);
    l[i] = y[i] * eta[i] - n[i] * f.log_1p_exp;
    r[i] = y[i] - n[i] * f.probability;
  }
}

// One trial a row: the log density is l less the logarithm of m.
STANHIER_WIDE_CLONES void bernoulli_logit_rows(int N, const double* __restrict eta, const double* __restrict y,
                                               double* __restrict r, double* __restrict l, double* __restrict m) {
  for (int i = 0; i < N; ++i) {
    const double e = decay(-std::fabs(eta[i])), u = 1.0 + e;
    m[i] = u;
    l[i] = y[i] * eta[i] - 0.5 * (eta[i] + std::fabs(eta[i]));
    r[i] = y[i] - if_negative(eta[i], e, 1.0) / u;
  }
}

STANHIER_WIDE_CLONES void binomial_probit_rows(int N, const double* __restrict eta, const double* __restrict y,
                                               const double* __restrict n, double* __restrict r,
                                               double* __restrict l) {
  for (int i = 0; i < N; ++i) {
    const NormalTails f = normal_tails(eta[i]);
    const double failures = n[i] - y[i];
    const double likely = if_negative(eta[i], failures, y[i]), unlikely = if_negative(eta[i], y[i], failures);
    l[i] = likely * f.log_large + unlikely * f.log_small;
    const double away = likely * f.hazard_large - unlikely * f.hazard_small;
    r[i] = if_negative(eta[i], -away, away);
  }
}

STANHIER_WIDE_CLONES void poisson_rows(int N, const double* __restrict eta, const double* __restrict y,
                                       const double* __restrict n, double* __restrict r, double* __restrict l) {
  for (int i = 0; i < N; ++i) {
    const double mean = n[i] * exponential(eta[i]);
    l[i] = y[i] * eta[i] - mean;
    r[i] = y[i] - mean;
  }
}

// Successes in y + shape trials at eta - log(shape); l lacks what depends on y and shape alone. d: derivative of l with
// respect to log(shape).
STANHIER_WIDE_CLONES void negative_binomial_rows(int N, const double* __restrict eta, const double* __restrict y,
                                                 double shape, double log_shape, double* __restrict r,
                                                 double* __restrict l, double* __restrict d) {
  for (int i = 0; i < N; ++i) {
    const Logistic f = logistic(eta[i] - log_shape);
    const double trials = y[i] + shape, expected = trials * f.probability;
    l[i] = y[i] * eta[i] - trials * f.log_1p_exp;
    r[i] = y[i] - expected;
    d[i] = expected - shape * f.log_1p_exp;
  }
}

// With s = nu sigma^2, l plus the logarithm of m: log(1 + residual^2 / s); d: residual times derivative
STANHIER_WIDE_CLONES void student_t_rows(int N, const double* __restrict eta, const double* __restrict y,
                                         double inverse_s, double nu, double* __restrict r, double* __restrict l,
                                         double* __restrict d, double* __restrict m) {
  for (int i = 0; i < N; ++i) {
    const double residual = y[i] - eta[i], scaled = residual * inverse_s, u = 1.0 + residual * scaled;
    const Parts f(u);
    m[i] = f.mantissa;
    l[i] = f.exponent * kLog2;
    r[i] = (nu + 1.0) * scaled / u;
    d[i] = residual * r[i];
  }
}

// Weights times log(1 + place / shape), and times the derivative of that with respect to log(shape), go into l and d.
STANHIER_WIDE_CLONES void rising_logs(int size, const double* __restrict places, const double* __restrict weights,
                                      double shape, double* __restrict l, double* __restrict d) {
  for (int k = 0; k < size; ++k) {
    l[k] = weights[k] * log_1p(places[k] / shape);
    d[k] = -weights[k] * places[k] / (shape + places[k]);
  }
}

// log(Gamma((nu + 1) / 2) / Gamma(nu / 2)) - log(nu pi) / 2, and its derivative with respect to nu. The series in
// 2 / nu is exact to 1e-16 where it is used, and loses nothing where nu is large.
inline void student_t_constant(double nu, double& value, double& slope) {
  const double x = 0.5 * nu;
  if (x < 25) {
    value = stan::math::lgamma(x + 0.5) - stan::math::lgamma(x) - 0.5 * std::log(nu * 3.141592653589793);
    slope = 0.5 * (stan::math::digamma(x + 0.5) - stan::math::digamma(x)) - 0.5 / nu;
    return;
  }
  const double y = 1 / x, y2 = y * y;
  value = -kLogSqrt2Pi - y * (1.0 / 8 - y2 * (1.0 / 192 - y2 * (1.0 / 640 - y2 * (17.0 / 14336 - y2 * 31.0 / 18432))));
  slope = 0.5 * y2 * (1.0 / 8 - y2 * (1.0 / 64 - y2 * (1.0 / 128 - y2 * (17.0 / 2048 - y2 * 31.0 / 2048))));
}

// A 1 for each row of a stretch, made once and not with each gradient.
inline const double* ones() {
  static const std::vector<double> values(kStretch, 1.0);
  return values.data();
}

// The log density of all rows, from one stretch of them after the other. `auxiliary` holds what the family has: sigma,
// shape, or sigma and nu.
class Likelihood {
 public:
  double adj_log_auxiliary[2] = {0, 0};

  Likelihood(int family, const double* auxiliary) : family(family), first(auxiliary[0]), nu(auxiliary[1]) {
    if (family == kNormal) precision = 1 / (first * first);
    if (family == kNegativeBinomial) log_shape = std::log(first);
    if (family == kStudentT) precision = 1 / (nu * first * first);
  }

  void add(const Rows& w) {
    const double* n = w.n != nullptr ? w.n : ones();
    switch (family) {
      case kNormal: normal_rows(w.size, w.eta, w.y, n, precision, w.r, w.l); break;
      case kBinomialLogit:
        if (w.n != nullptr) {
          binomial_logit_rows(w.size, w.eta, w.y, n, w.r, w.l);
        } else {
          bernoulli_logit_rows(w.size, w.eta, w.y, w.r, w.l, w.m);
          sum_l -= log_product(w.size, w.m);
        }
        break;
      case kBinomialProbit: binomial_probit_rows(w.size, w.eta, w.y, n, w.r, w.l); break;
      case kPoisson: poisson_rows(w.size, w.eta, w.y, n, w.r, w.l); break;
      case kNegativeBinomial:
        negative_binomial_rows(w.size, w.eta, w.y, first, log_shape, w.r, w.l, w.d);
        sum_d += sum(w.size, w.d);
        break;
      case kStudentT:
        student_t_rows(w.size, w.eta, w.y, precision, nu, w.r, w.l, w.d, w.m);
        sum_l += log_product(w.size, w.m);
        sum_d += sum(w.size, w.d);
        break;
    }
    sum_l += sum(w.size, w.l);
  }

  // The log density, when all N rows have been added; `counts` as in the program, l and d at least `room` long.
  double finish(int N, const double* counts, int n_counts, double* l, double* d, int room) {
    if (family == kNormal) {
      const double squares = sum_l + counts[1];
      adj_log_auxiliary[0] = precision * squares - counts[0];
      return -0.5 * precision * squares - counts[0] * std::log(first);
    }
    if (family == kNegativeBinomial) {
      const int n_places = n_counts / 2;
      for (int k = 0; k < n_places; k += room) {
        const int size = std::min(room, n_places - k);
        rising_logs(size, counts + k, counts + n_places + k, first, l, d);
        sum_l += sum(size, l);
        sum_d += sum(size, d);
      }
      adj_log_auxiliary[0] = sum_d;
    }
    if (family == kStudentT) {
      double constant, slope;
      student_t_constant(nu, constant, slope);
      adj_log_auxiliary[0] = sum_d - N;
      adj_log_auxiliary[1] = nu * (N * slope - 0.5 * sum_l) + 0.5 * sum_d;
      return N * (constant - std::log(first)) - 0.5 * (nu + 1) * sum_l;
    }
    return sum_l;
  }

 private:
  int family;
  double first, nu, precision = 1, log_shape = 0, sum_l = 0, sum_d = 0;
};

}  // namespace effects
}  // namespace stanhier
#endif
