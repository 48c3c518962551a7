// The log density of multilevel.stan, with its gradient written out by hand: on the few numbers that compressed rows
// are, automatic differentiation spends most of its time on bookkeeping.
//
// All columns of G but that of the response carry parameters that are integrated out. With E the block-diagonal matrix
// of Lambda_t for each level of the other terms and of 1 / sigma for location and response,
//   K = E' G E + (the priors' quadratic form) = [Q r; r' s]  gives  -log|Q| / 2 - (s - r' inverse(Q) r) / 2,
// and its derivative with respect to K is -W / 2: W holds the second moments of (effects, phi, -1), where effects and
// phi have the distribution normal(inverse(Q) r, inverse(Q)) that the rows give them.
#include <stan/math/rev/core.hpp>
#include <stan/math/rev/fun/value_of.hpp>
#include <stan/math/rev/meta.hpp>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "callback.hpp"
#include "covariance.hpp"
#include "lanes.hpp"
#include "strata.hpp"

namespace stanhier {
namespace multilevel {

// What the density is made of: the data block of the program.
template <typename Matrix, typename Vector>
struct Data {
  const Vector& u_hat;
  const Matrix& u_basis;
  const Vector& softness;
  double sigma_known;
  int N, P, S;
  const std::vector<int>&q, &J;
  int e;
  const std::vector<int>&block_term, &block_size;
  const Vector& eta;
  const std::vector<int>& scale_prior_family;
  const Vector &scale_prior_nu, &scale_prior_sigma;
  const Matrix& G0;
  Strata<Matrix, Vector> strata;
  const Matrix& moments;
  const Matrix& prior_rows;
  const Vector &prior_residual, &prior_precision;
  const std::vector<int>& t_prior;
  const Vector& t_nu;
  const Matrix& fixed_prior;
};

// Memory that one gradient leaves to the next.
struct Work {
  VectorXd z, u, adj_u, adj_z, v_inv, det, adj_v_inv, packed, mu, row;
  MatrixXd Sigma, GE, GE_transposed, K, L_inv, W, EW;
  Covariances covariances;
};

template <typename Matrix, typename Vector>
class Density {
 public:
  Density(const Data<Matrix, Vector>& data, Work& work)
      : d(data), w(work), C(data.G0.rows()), m(C - 1), M(m - data.P), e(data.e - 1), q_e(data.q[e]),
        Qn(data.softness.size()), at_sigma(data.u_hat.size() - data.t_nu.size() - data.S),
        at_lambda(at_sigma + data.S) {}

  double value(const VectorXd& z) {
    w.u = d.u_hat;
    w.u.noalias() += d.u_basis * z;
    log_sigma = d.S == 1 ? w.u[at_sigma] : std::log(d.sigma_known);
    sigma = std::exp(log_sigma);
    const double lp = parameters() + eliminate() + integrate();
    if (!std::isfinite(lp)) throw std::domain_error("multilevel_density: a scale is too large for numbers.");
    return lp;
  }

  // The derivative of what `value` has just given.
  const VectorXd& gradient() {
    w.adj_u.setZero(w.u.size());
    second_moments();
    reverse_location();
    reverse_effects();
    reverse_eliminated();
    reverse_parameters();
    w.adj_z.noalias() = d.u_basis.transpose() * w.adj_u;
    return w.adj_z;
  }

 private:
  const Data<Matrix, Vector>& d;
  Work& w;
  const int C, m, M, e, q_e, Qn, at_sigma, at_lambda;  // columns of G, without y, of effects; positions in u
  double log_sigma = 0, sigma = 0, squares = 0;

  // Lambda of all terms; the priors of scales and correlations, and the Jacobians.
  double parameters() {
    double lp = w.covariances.fill(d, w.u, sigma, [&](int k, double sd) { return scale_prior(k, sd); });
    if (d.S == 1) lp += (Qn + 1) * log_sigma + scale_prior(Qn, sigma).value;
    return lp;
  }

  ScalePrior scale_prior(int k, double scale) const {
    return {d.scale_prior_family[k], d.scale_prior_nu.coeff(k), d.scale_prior_sigma.coeff(k), scale};
  }

  // G, and the part of the density that does not depend on it.
  double eliminate() {
    const int H = d.strata.size(), pairs = pairs_of(q_e);
    w.v_inv.resize(H * pairs);
    w.det.resize(H);
    const MatrixXd& Lambda = w.covariances.factors[e].Lambda;
    w.Sigma.noalias() = Lambda.lazyProduct(Lambda.transpose());
    with_size([&](auto size) {
      d.strata.template invert<decltype(size)::value>(q_e, Lambda, w.Sigma, w.v_inv.data(), w.det.data());
    });
    times(d.moments, w.v_inv, w.packed);
    w.GE = d.G0;
    const double* at = w.packed.data();
    for (int k = 0; k < C; ++k) {
      for (int l = 0; l < k; ++l, ++at) {
        w.GE(k, l) += *at;
        w.GE(l, k) = w.GE(k, l);
      }
      w.GE(k, k) += *at++;
    }
    return -d.N * log_sigma - 0.5 * (w.det.array().log() * d.strata.n_groups.array()).sum();
  }

  template <typename Call>
  void with_size(const Call& call) const {
    switch (q_e) {
      case 1: return call(std::integral_constant<int, 1>());
      case 2: return call(std::integral_constant<int, 2>());
      case 3: return call(std::integral_constant<int, 3>());
      case 4: return call(std::integral_constant<int, 4>());
      case 5: return call(std::integral_constant<int, 5>());
      default: return call(std::integral_constant<int, 0>());
    }
  }

  // Calls with each block of columns that the effects of one level have: its first column, and the factor.
  template <typename Call>
  void for_levels(const Call& call) const {
    int at = 0;
    for (int t = 0; t < int(d.q.size()); ++t)
      for (int j = 0; t != e && j < d.J[t]; ++j, at += d.q[t]) call(at, w.covariances.factors[t]);
  }

  // X E
  void times_E(MatrixXd& X) const {
    for_levels([&](int at, Factor& f) {
      const int q = f.Lambda.rows();
      for (int k = 0; k < q; ++k) {
        X.col(at + k) *= f.Lambda(k, k);
        for (int l = k + 1; l < q; ++l) X.col(at + k) += f.Lambda(l, k) * X.col(at + l);
      }
    });
    X.rightCols(C - M) /= sigma;
  }

  // X E'
  void times_E_transposed(MatrixXd& X) const {
    for_levels([&](int at, Factor& f) {
      for (int k = f.Lambda.rows() - 1; k >= 0; --k) {
        X.col(at + k) *= f.Lambda(k, k);
        for (int l = 0; l < k; ++l) X.col(at + k) += f.Lambda(k, l) * X.col(at + l);
      }
    });
    X.rightCols(C - M) /= sigma;
  }

  double lambda(int i) const { return std::exp(w.u[at_lambda + i]); }

  // A row whose product with (phi, -1) is how far theta_k is from the centre of its prior.
  const VectorXd& prior_row(int k) const {
    w.row.resize(d.P + 1);
    w.row.head(d.P) = d.prior_rows.row(k);
    w.row[d.P] = -d.prior_residual.coeff(k);
    return w.row;
  }

  // Integrates the other terms' effects and the location out; the priors of the precisions lambda.
  double integrate() {
    times_E(w.GE);
    w.GE_transposed = w.GE.transpose();
    w.K = w.GE_transposed;
    times_E(w.K);
    w.K.diagonal().head(M).array() += 1;
    auto last = w.K.bottomRightCorner(C - M, C - M);
    last += d.fixed_prior;
    double lp = 0;
    for (int k = 0; k < d.P; ++k)
      if (d.t_prior[k] > 0) {
        const VectorXd& row = prior_row(k);
        last.noalias() += lambda(d.t_prior[k] - 1) * d.prior_precision.coeff(k) * row * row.transpose();
        lp += 0.5 * w.u[at_lambda + d.t_prior[k] - 1];
      }
    for (int i = 0; i < d.t_nu.size(); ++i) lp += 0.5 * d.t_nu.coeff(i) * (w.u[at_lambda + i] - lambda(i));
    Eigen::Ref<MatrixXd> Q = w.K.topLeftCorner(m, m);
    const Eigen::LLT<Eigen::Ref<MatrixXd>> factorised(Q);
    if (factorised.info() != Eigen::Success)
      throw std::domain_error("multilevel_density: rows and priors do not determine the location.");
    w.mu = w.K.col(m).head(m);
    Q.triangularView<Eigen::Lower>().solveInPlace(w.mu);
    squares = w.K(m, m) - w.mu.squaredNorm();
    for (int k = 0; k < m; ++k) lp -= std::log(Q(k, k));
    return lp - 0.5 * squares;
  }

  void second_moments() {
    const auto L = w.K.topLeftCorner(m, m);
    L.template triangularView<Eigen::Lower>().transpose().solveInPlace(w.mu);
    w.L_inv.resize(m, m);
    w.W.resize(C, C);
    for (int j = 0; j < m; ++j) {
      auto x = w.L_inv.col(j);
      x[j] = 1 / L(j, j);
      x.tail(m - j - 1) = -x[j] * L.col(j).tail(m - j - 1);
      for (int k = j + 1; k < m; ++k) {
        x[k] /= L(k, k);
        x.tail(m - k - 1) -= x[k] * L.col(k).tail(m - k - 1);
      }
    }
    for (int j = 0; j < m; ++j) {
      for (int i = j; i < m; ++i)
        w.W(i, j) = w.W(j, i) = w.L_inv.col(i).tail(m - i).dot(w.L_inv.col(j).tail(m - i)) + w.mu[i] * w.mu[j];
      w.W(j, m) = w.W(m, j) = -w.mu[j];
    }
    w.W(m, m) = 1;
  }

  void reverse_location() {
    const auto last = w.W.bottomRightCorner(C - M, C - M);
    double from_priors = last.cwiseProduct(d.fixed_prior).sum();
    for (int k = 0; k < d.P; ++k)
      if (d.t_prior[k] > 0) {
        const VectorXd& row = prior_row(k);
        const int i = d.t_prior[k] - 1;
        const double part = lambda(i) * d.prior_precision.coeff(k) * row.dot(last * row);
        from_priors += part;
        w.adj_u[at_lambda + i] += 0.5 - 0.5 * part;
      }
    for (int i = 0; i < d.t_nu.size(); ++i) w.adj_u[at_lambda + i] += 0.5 * d.t_nu.coeff(i) * (1 - lambda(i));
    // the trace of K W over location and response is P + squares
    if (d.S == 1) w.adj_u[at_sigma] = d.P + squares - from_priors - d.N;
  }

  void reverse_effects() {
    for_levels([&](int at, Factor& f) {
      MatrixXd& adj = f.adj;
      for (int k = 0; k < adj.rows(); ++k)
        for (int l = 0; l <= k; ++l) adj(k, l) -= w.GE_transposed.col(at + k).dot(w.W.col(at + l));
    });
  }

  void reverse_eliminated() {
    w.EW = w.W;
    times_E_transposed(w.EW);
    w.W = w.EW.transpose();
    times_E_transposed(w.W);
    double* at = w.packed.data();
    for (int k = 0; k < C; ++k) {
      for (int l = 0; l < k; ++l) *at++ = 2 * w.W(l, k);
      *at++ = w.W(k, k);
    }
    transposed_times(d.moments, w.packed, w.adj_v_inv);
    Factor& f = w.covariances.factors[e];
    with_size([&](auto size) {
      d.strata.template reverse<decltype(size)::value>(q_e, w.v_inv.data(), w.adj_v_inv.data(), f.adj);
    });
    w.Sigma.noalias() = f.adj.lazyProduct(f.Lambda);
    f.adj.swap(w.Sigma);
  }

  void reverse_parameters() {
    const auto prior = [&](int k, double sd) { return scale_prior(k, sd); };
    w.covariances.reverse(d, w.u, sigma, prior, w.adj_u, [&](double adj_log_sd) {
      if (d.S == 1) w.adj_u[at_sigma] += 1 + adj_log_sd;
    });
    if (d.S == 1) w.adj_u[at_sigma] += 1 + scale_prior(Qn, sigma).slope * sigma;
  }
};

}  // namespace multilevel
}  // namespace stanhier

template <typename Z, typename Matrix, typename Vector>
stan::return_type_t<Z> multilevel_density(
    const Z& z, const Vector& u_hat, const Matrix& u_basis, const Vector& softness, double sigma_known, int N, int P,
    int S, const std::vector<int>& q, const std::vector<int>& J, int e, const std::vector<int>& block_term,
    const std::vector<int>& block_size, const Vector& eta, const std::vector<int>& scale_prior_family,
    const Vector& scale_prior_nu, const Vector& scale_prior_sigma, const Matrix& G0, const Vector& n_groups,
    const Matrix& R, const Matrix& moments, const Matrix& prior_rows, const Vector& prior_residual,
    const Vector& prior_precision, const std::vector<int>& t_prior, const Vector& t_nu, const Matrix& fixed_prior,
    std::ostream*) {
  thread_local stanhier::multilevel::Work work;
  const stanhier::multilevel::Data<Matrix, Vector> data{
      u_hat, u_basis, softness, sigma_known, N, P, S, q, J, e, block_term, block_size, eta, scale_prior_family,
      scale_prior_nu, scale_prior_sigma, G0, {R, n_groups}, moments, prior_rows, prior_residual, prior_precision,
      t_prior, t_nu, fixed_prior};
  stanhier::multilevel::Density<Matrix, Vector> density(data, work);
  work.z = stan::math::value_of(z);
  const double lp = density.value(work.z);
  return stanhier::with_gradient(z, lp, [&]() -> const Eigen::VectorXd& { return density.gradient(); });
}
