// Scales and correlations of one term's effects, from numbers without bounds, and back from adjoint to adjoint.
#ifndef STANHIER_COVARIANCE_HPP
#define STANHIER_COVARIANCE_HPP

#include <stan/math/prim/fun/Eigen.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace stanhier {
namespace multilevel {

using Eigen::MatrixXd;
using Eigen::VectorXd;

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

// Scales and correlations of all terms. In `d` are q, softness, block_term, block_size and eta of the data; u begins
// with the soft logarithms and the partial correlations; `unit` is what ratios are relative to; and `prior` gives the
// `ScalePrior` of a standard deviation by its number and value.
struct Covariances {
  std::vector<SoftLogarithm> soft;
  std::vector<Factor> factors;
  std::vector<CorrelationBlock> blocks;

  // Lambda of all terms; the priors of scales and correlations, and the Jacobians.
  template <typename Data, typename Prior>
  double fill(const Data& d, const VectorXd& u, double unit, const Prior& prior) {
    factors.resize(d.q.size());
    for (std::size_t t = 0; t < factors.size(); ++t) factors[t].reset(d.q[t]);
    double lp = correlations(d, u.data() + d.softness.size());
    soft.clear();
    int k = 0;
    for (Factor& f : factors)
      for (int i = 0; i < f.Lambda.rows(); ++i, ++k) {
        soft.emplace_back(u[k], d.softness.coeff(k));
        lp += soft[k].log_sigmoid + prior(k, soft[k].ratio * unit).value;
        f.Lambda.row(i) = soft[k].ratio * f.correlation.row(i);
      }
    return lp;
  }

  // From the adjoints of the factors to that of u, with that of what `fill` returns; `of_sd` hears of each standard
  // deviation how the log density of its prior changes with its logarithm.
  template <typename Data, typename Prior, typename Call>
  void reverse(const Data& d, const VectorXd& u, double unit, const Prior& prior, VectorXd& adj_u,
               const Call& of_sd) const {
    int k = 0;
    for (const Factor& f : factors)
      for (int i = 0; i < f.adj.rows(); ++i, ++k) {
        const SoftLogarithm& s = soft[k];
        const double adj_sd = prior(k, s.ratio * unit).slope;
        const double adj_ratio = f.adj.row(i).head(i + 1).dot(f.correlation.row(i).head(i + 1)) + unit * adj_sd;
        adj_u[k] = adj_ratio * s.slope + s.one_minus_sigmoid;
        of_sd(adj_sd * s.ratio * unit);
      }
    int first = 0, at = k;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const CorrelationBlock& block = blocks[b];
      const Factor& f = factors[d.block_term[b] - 1];
      const int offset = first - block.start;
      const auto adj = [&](int i, int j) { return soft[offset + i].ratio * f.adj(i, j); };
      block.reverse(u.data() + at, f.correlation, adj, adj_u.data() + at);
      first += block.size;
      at += pairs_of(block.size - 1);
    }
  }

 private:
  template <typename Data>
  double correlations(const Data& d, const double* y) {
    blocks.clear();
    double lp = 0;
    for (std::size_t b = 0; b < d.block_size.size(); ++b) {
      const bool first = b == 0 || d.block_term[b] != d.block_term[b - 1];
      const int start = first ? 0 : blocks[b - 1].start + blocks[b - 1].size, size = d.block_size[b];
      blocks.push_back({start, size, d.eta.coeff(b)});
      lp += blocks[b].fill(y, factors[d.block_term[b] - 1].correlation);
      y += pairs_of(size - 1);
    }
    return lp;
  }
};

}  // namespace multilevel
}  // namespace stanhier
#endif
