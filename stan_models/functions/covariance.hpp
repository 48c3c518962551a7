// Scales and correlations of one term's effects, from numbers without bounds, and back from adjoint to adjoint.
#ifndef STANHIER_COVARIANCE_HPP
#define STANHIER_COVARIANCE_HPP

#include <stan/math/prim/fun/Eigen.hpp>
#include <algorithm>
#include <cmath>

namespace stanhier {
namespace multilevel {

using Eigen::MatrixXd;

constexpr int pairs_of(int q) { return q * (q + 1) / 2; }

// Of one term: the Cholesky factor of its correlations, that of its covariance over sigma^2, and the latter's adjoint.
struct Factor {
  MatrixXd correlation, Lambda, adj;

  void reset(int q) {
    correlation.setZero(q, q);
    Lambda.setZero(q, q);
    adj.setZero(q, q);
  }
};

// A block of correlated effects, from partial correlations tanh(y): element j of row i of the factor is tanh(y_ij)
// times the product of 1 / cosh(y_im), m < j. LKJ(eta) makes these partial correlations independent; what it adds to
// the log density of y is weight(j) * log(cosh(y_ij)).
struct CorrelationBlock {
  int start, size;
  double eta;

  double weight(int j) const { return -2 * eta - (size - 2 - j); }

  double fill(const double* y, MatrixXd& factor) const {
    double lp = 0;
    for (int i = 0; i < size; ++i) {
      double left = 1;
      for (int j = 0; j < i; ++j, ++y) {
        factor(start + i, start + j) = left * std::tanh(*y);
        left /= std::cosh(*y);
        lp += weight(j) * (std::fabs(*y) + std::log1p(std::exp(-2 * std::fabs(*y))));
      }
      factor(start + i, start + i) = left;
    }
    return lp;
  }

  // The adjoint of y from that of the factor, which `adj` gives by row and column; with that of what `fill` returns.
  template <typename Adjoint>
  void reverse(const double* y, const MatrixXd& factor, const Adjoint& adj, double* adj_y) const {
    for (int i = 1; i < size; y += i, adj_y += i, ++i) {
      double left = 1;
      for (int j = 0; j < i; ++j) {
        const double sech = 1 / std::cosh(y[j]);
        adj_y[j] = adj(start + i, start + j) * left * sech * sech;
        left *= sech;
      }
      double later = adj(start + i, start + i) * factor(start + i, start + i);
      for (int j = i - 1; j >= 0; --j) {
        adj_y[j] += (weight(j) - later) * std::tanh(y[j]);
        later += adj(start + i, start + j) * factor(start + i, start + j);
      }
    }
  }
};

// The soft logarithm u of a relative sd: sd / sigma = softness * log(1 + exp(u)).
struct SoftLogarithm {
  double ratio, slope, log_sigmoid, one_minus_sigmoid;

  SoftLogarithm(double u, double softness) {
    const double t = std::exp(-std::fabs(u)), log1p_t = std::log1p(t);
    const double small = t / (1 + t), large = 1 / (1 + t);
    ratio = softness * (std::max(u, 0.0) + log1p_t);
    slope = softness * (u > 0 ? large : small);
    log_sigmoid = std::min(u, 0.0) - log1p_t;
    one_minus_sigmoid = u > 0 ? small : large;
  }
};

// The log density of a positive parameter, up to a constant, and its derivative; families as in prior.stanfunctions,
// and 4 gamma(nu, 1 / sigma), 5 lognormal(mu, sigma).
struct ScalePrior {
  double value = 0, slope = 0;

  ScalePrior(int family, double nu, double sigma, double scale, double mu = 0) {
    if (family == 0) return;
    const double x = scale / sigma;
    if (family == 1) {
      value = -0.5 * x * x;
      slope = -x / sigma;
    } else if (family == 2) {
      value = -0.5 * (nu + 1) * std::log1p(x * x / nu);
      slope = -(nu + 1) * x / (nu + x * x) / sigma;
    } else if (family == 3) {
      value = -x;
      slope = -1 / sigma;
    } else if (family == 4) {
      value = (nu - 1) * std::log(scale) - x;
      slope = (nu - 1) / scale - 1 / sigma;
    } else {
      const double t = (std::log(scale) - mu) / sigma;
      value = -0.5 * t * t - std::log(scale);
      slope = -(t / sigma + 1) / scale;
    }
  }
};

}  // namespace multilevel
}  // namespace stanhier
#endif
