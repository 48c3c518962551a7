// The log density of explicit_effects.stan, with its gradient written out by hand. Both are made together, stretch of
// rows by stretch: coordinates to effects, effects to linear predictors, and back.
#include <stan/math/rev/core.hpp>
#include <stan/math/rev/fun/value_of.hpp>
#include <stan/math/rev/meta.hpp>
#include <cmath>
#include <ostream>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "callback.hpp"
#include "effects_data.hpp"
#include "families.hpp"
#include "stretches.hpp"

namespace stanhier {
namespace effects {

using multilevel::ScalePrior;

template <typename Matrix, typename Vector>
class Density {
 public:
  Density(const Data<Matrix, Vector>& data, Work& work)
      : d(data), w(work), chains(d.q, d.J, d.above, d.parent, d.info, d.b_hat), T(d.q.size()), E(d.pulled.size()),
        Qn(d.softness.size()), A(d.scale_prior_family.size() - Qn), at_auxiliary(d.u_hat.size() - d.t_nu.size() - A),
        at_lambda(at_auxiliary + A) {}

  // The log density at work.z; its gradient goes to work.adj_z.
  double evaluate() {
    w.u = d.u_hat;
    w.u.noalias() += d.u_basis * w.z.tail(w.u.size());
    w.phi = w.z.head(d.P);
    w.location = d.phi_hat + w.phi;
    w.adj_z.setZero(w.z.size());
    w.adj_u.setZero(w.u.size());
    w.adj_phi.setZero(d.P);
    const auto prior = [&](int k, double sd) { return scale_prior(k, sd); };
    const double lp = w.covariances.fill(d, w.u, 1, prior) + auxiliaries() + whiten() + rows() + location();
    if (!std::isfinite(lp)) throw std::domain_error("effects_density: a parameter is too large for numbers.");
    reverse_whiten();
    w.covariances.reverse(d, w.u, 1, prior, w.adj_u, [](double) {});
    w.adj_z.head(d.P) = w.adj_phi;
    w.adj_z.tail(w.u.size()).noalias() = d.u_basis.transpose() * w.adj_u;
    return lp;
  }

 private:
  const Data<Matrix, Vector>& d;
  Work& w;
  const Chains<Vector> chains;
  const int T, E, Qn, A, at_auxiliary, at_lambda;  // positions in u
  double auxiliary[2] = {1, 1}, omega = 1;

  bool has_sigma() const { return d.family == kNormal || d.family == kStudentT; }

  ScalePrior scale_prior(int k, double scale) const {
    return {d.scale_prior_family[k], d.scale_prior_nu.coeff(k), d.scale_prior_sigma.coeff(k), scale,
            d.scale_prior_mu.coeff(k)};
  }

  double auxiliaries() {
    double lp = 0;
    if (has_sigma()) auxiliary[0] = d.sigma_known;
    if (d.family == kStudentT && d.counts.size() > 0) auxiliary[1] = d.counts.coeff(0);
    for (int k = 0; k < A; ++k) {
      const double log_value = w.u[at_auxiliary + k];
      auxiliary[k] = std::exp(log_value);
      const ScalePrior prior = scale_prior(Qn + k, auxiliary[k]);
      lp += log_value + prior.value;
      w.adj_u[at_auxiliary + k] += 1 + prior.slope * auxiliary[k];
    }
    if (has_sigma() && d.sigma_hat > 0) omega = d.sigma_hat / auxiliary[0] * (d.sigma_hat / auxiliary[0]);
    return lp;
  }

  double lambda(int t) const { return w.covariances.factors[t].Lambda(0, 0); }

  // Calls with the levels of each term that is in no chain.
  template <typename Call>
  void for_terms(const Call& call) {
    double* kept = w.kept.data();
    for (int t = 0; t < T; ++t) {
      const int at = chains.first[t];
      if (!chains.contains(t))
        call(t, Levels{d.J[t], d.q[t], d.info.data() + chains.first_info[t], w.rhs.data() + at,
                       w.z.data() + d.P + at, omega, w.effects.data() + at, kept, w.adj_effects.data() + at,
                       w.adj_z.data() + d.P + at, w.adj_rhs.data() + at});
      kept += Levels::room(d.J[t], d.q[t]);
    }
  }

  // Effects, or what rows see of them; the priors of the effects, and the Jacobians.
  double whiten() {
    int room = 0;
    for (int t = 0; t < T; ++t) room += Levels::room(d.J[t], d.q[t]);
    w.kept.resize(room);
    w.effects.resize(E);
    w.adj_rhs.resize(E);
    w.adj_effects.setZero(E);
    multilevel::transposed_times(d.coupling, w.phi, w.rhs);
    w.rhs = omega * (d.pulled - w.rhs);
    double lp = 0;
    for_terms([&](int t, const Levels& levels) {
      const MatrixXd& Lambda = w.covariances.factors[t].Lambda;
      if (levels.q == 1)
        lp += whiten_single(levels, lambda(t));
      else
        lp += with_effects(levels.q, [&](auto q) { return whiten_several<decltype(q)::value>(levels, Lambda); });
    });
    if (!chains.upwards.empty())
      lp += whiten_chains(chains, [&](int t) { return lambda(t); }, omega, w.rhs, w.z.data() + d.P, w.effects,
                          w.chains);
    return lp;
  }

  void reverse_whiten() {
    double of_omega = 0;
    for_terms([&](int t, const Levels& levels) {
      Factor& f = w.covariances.factors[t];
      if (levels.q == 1)
        of_omega += reverse_whiten_single(levels, lambda(t), f.adj(0, 0));
      else
        of_omega += with_effects(levels.q, [&](auto q) {
          return reverse_whiten_several<decltype(q)::value>(levels, f.Lambda, f.adj);
        });
    });
    if (!chains.upwards.empty())
      of_omega += reverse_chains(chains, [&](int t) { return lambda(t); }, omega, w.z.data() + d.P, w.adj_effects,
                                 w.adj_z.data() + d.P, w.adj_rhs, w.chains,
                                 [&](int t, double adj) { w.covariances.factors[t].adj(0, 0) += adj; });
    VectorXd& pull = w.theta;
    multilevel::times(d.coupling, w.adj_rhs, pull);
    w.adj_phi -= omega * pull;
    if (A > 0 && has_sigma() && d.sigma_hat > 0)
      w.adj_u[at_auxiliary] -= 2 * (of_omega + w.adj_rhs.dot(w.rhs));
  }

  // Calls with each effect that rows see: its term, its column or none, its place among the effects.
  template <typename Call>
  void for_columns(int row, const Call& call) const {
    for (int t = 0, k = 0; t < T; ++t)
      for (int i = 0; i < d.q[t]; ++i, ++k) {
        const int column = d.z_column[k];
        const double* z = column > 0 ? d.Z.data() + (column - 1) * d.Z.rows() + row : nullptr;
        if (!chains.has_finer(t)) call(t, z, chains.first[t] + i);
      }
  }

  double rows() {
    const int N = d.y.size();
    Likelihood likelihood(d.family, auxiliary);
    w.copies.resize(4 * E);
    for (int t = 0; t < T; ++t)
      if (has_copies(t)) w.copies.segment(4 * chains.first[t], 4 * d.J[t] * d.q[t]).setZero();
    for (int row = 0; row < N; row += kStretch) {
      const int size = std::min(kStretch, N - row);
      if (d.offset.size() > 0)
        std::copy_n(d.offset.data() + row, size, w.eta);
      else
        std::fill_n(w.eta, size, 0.0);
      add_columns(size, d.P, d.X.data() + row, N, w.location.data(), w.eta);
      for_columns(row, [&](int t, const double* z, int at) {
        gather_effects(size, d.g[t].data() + row, z, d.q[t], w.effects.data() + at, w.eta);
      });
      likelihood.add({size, w.eta, d.y.data() + row, d.n.size() > 0 ? d.n.data() + row : nullptr, w.r, w.l, w.d, w.m});
      add_products(size, d.P, d.X.data() + row, N, w.r, w.adj_phi.data());
      for_columns(row, [&](int t, const double* z, int at) { scatter(row, size, t, z, at); });
    }
    for_columns(0, [&](int t, const double*, int at) {
      if (has_copies(t)) add_copies(d.J[t], d.q[t], w.copies.data() + 4 * at, w.adj_effects.data() + at);
    });
    const double lp = likelihood.finish(N, d.counts.data(), d.counts.size(), w.l, w.d, kStretch);
    for (int k = 0; k < A; ++k) w.adj_u[at_auxiliary + k] += likelihood.adj_log_auxiliary[k];
    return lp;
  }

  bool has_copies(int t) const { return t != d.sorted - 1 && d.J[t] <= kFewLevels; }

  // From derivatives with respect to the predictors to those of the effect that begins `at`.
  void scatter(int row, int size, int t, const double* z, int at) {
    const int *g = d.g[t].data() + row, q = d.q[t];
    double* adj = w.adj_effects.data() + at;
    if (t == d.sorted - 1)
      (z ? scatter_segments<true> : scatter_segments<false>)(row, row + size, g[0] - 1, d.first.data(), z, q, w.r, adj);
    else if (has_copies(t))
      (z ? scatter_copies<true> : scatter_copies<false>)(size, g, z, q, w.r, w.copies.data() + 4 * at);
    else
      (z ? scatter_runs<true> : scatter_runs<false>)(size, g, z, q, w.r, adj);
  }

  // The priors of the location and of the precisions lambda.
  double location() {
    w.theta = d.prior_residual;
    w.theta.noalias() += d.prior_rows * w.phi;
    double lp = 0;
    for (int k = 0; k < d.P; ++k) {
      const int student = d.t_prior[k];
      const double u = student > 0 ? w.u[at_lambda + student - 1] : 0;
      const double scaled = std::exp(u) * d.prior_precision.coeff(k) * w.theta[k], square = scaled * w.theta[k];
      lp += 0.5 * (u - square);
      if (student > 0) w.adj_u[at_lambda + student - 1] += 0.5 * (1 - square);
      w.theta[k] = scaled;
    }
    w.adj_phi.noalias() -= d.prior_rows.transpose() * w.theta;
    for (int i = 0; i < d.t_nu.size(); ++i) {
      const double u = w.u[at_lambda + i], lambda = std::exp(u);
      lp += 0.5 * d.t_nu.coeff(i) * (u - lambda);
      w.adj_u[at_lambda + i] += 0.5 * d.t_nu.coeff(i) * (1 - lambda);
    }
    return lp;
  }
};

}  // namespace effects
}  // namespace stanhier

template <typename Z, typename Matrix, typename Vector>
stan::return_type_t<Z> effects_density(
    const Z& z, int family, int P, const std::vector<int>& q, const std::vector<int>& J,
    const std::vector<int>& block_term, const std::vector<int>& block_size, const Vector& eta, const Matrix& X,
    const Matrix& Z_columns, const std::vector<int>& z_column, const std::vector<std::vector<int>>& g, int sorted,
    const std::vector<int>& first, const Vector& y, const Vector& n, const Vector& offset, const Vector& phi_hat,
    const Vector& counts, const Vector& info, const Vector& pulled, const Matrix& coupling, const std::vector<int>& above,
    const std::vector<int>& parent, const Vector& b_hat, double sigma_hat, const Matrix& prior_rows,
    const Vector& prior_residual, const Vector& prior_precision, const std::vector<int>& t_prior, const Vector& t_nu,
    const Vector& u_hat, const Matrix& u_basis, const Vector& softness, double sigma_known,
    const std::vector<int>& scale_prior_family, const Vector& scale_prior_nu, const Vector& scale_prior_mu,
    const Vector& scale_prior_sigma, std::ostream*) {
  thread_local stanhier::effects::Work work;
  const stanhier::effects::Data<Matrix, Vector> data{
      family, P, q, J, block_term, block_size, eta, X, Z_columns, z_column, g, sorted, first, y, n, offset, phi_hat,
      counts, info, pulled, coupling, above, parent, b_hat, sigma_hat, prior_rows, prior_residual, prior_precision, t_prior,
      t_nu, u_hat, u_basis, softness, sigma_known, scale_prior_family, scale_prior_nu, scale_prior_mu,
      scale_prior_sigma};
  work.z = stan::math::value_of(z);
  const double lp = stanhier::effects::Density<Matrix, Vector>(data, work).evaluate();
  return stanhier::with_gradient(z, lp, [&]() -> const Eigen::VectorXd& { return work.adj_z; });
}
