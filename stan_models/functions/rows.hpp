// The density of Gaussian rows in whitened coordinates, with its gradient written out by hand: on the few numbers that
// compressed rows are, automatic differentiation spends most of its time on bookkeeping.
//
// The location parameters are theta = theta_hat + basis * phi. Given the scale parameters, phi[p] has (nearly) the
// distribution normal(pull[p] * tau / precision[p], 1 / sqrt(precision[p])), precision = share * tau, where tau holds
// the precision of each source of information (rows, groups, prior) relative to that at phi = 0. Sampling z = the
// standardised phi keeps the posterior round whatever the scales do.
//
// Where all priors on location parameters are normal (or flat) and these are many, the priors are taken in the whitened
// coordinates too, as the precision that makes the whole the identity: basis has no rows then, and theta is empty.
//
// Each struct computes its part when it is made, and `reverse` takes the adjoint of its log density and passes on those
// of what it was made from. Data are held by reference: they belong to the model, which outlives the reverse pass.
#include <stan/math/rev/core.hpp>
#include <stan/math/rev/fun/value_of.hpp>
#include <stan/math/rev/meta.hpp>
#include <algorithm>
#include <cmath>
#include <ostream>
#include <type_traits>
#include <vector>

namespace stanhier {

// What the reverse pass reads lives in the arena of automatic differentiation; plain numbers have no such pass.
template <typename T, typename Plain>
using Kept = std::conditional_t<stan::is_var<T>::value, stan::math::arena_matrix<Plain>, Plain>;

template <typename T>
using Numbers = Kept<T, Eigen::VectorXd>;

template <typename T>
using Parameters = Eigen::Matrix<T, Eigen::Dynamic, 1>;

template <typename T, typename Matrix>
struct Unwhitening {
  const Matrix& share;
  const Matrix& pull;
  Numbers<T> precision, pulled, scattered, phi;

  template <typename Z>
  Unwhitening(const Z& z, const Eigen::VectorXd& tau, const Matrix& share, const Matrix& pull)
      : share(share), pull(pull), precision(z.size()), pulled(z.size()), scattered(z.size()), phi(z.size()) {
    precision.noalias() = share * tau;
    pulled.noalias() = pull * tau;
    pulled.array() /= precision.array();
    scattered.array() = stan::math::value_of(z).array() / precision.array().sqrt();
    phi = pulled + scattered;
  }

  // log |d phi / d z|
  double log_density() const { return -0.5 * precision.array().log().sum(); }

  template <typename Z>
  void reverse(double adj, const Eigen::VectorXd& adj_phi, Z& z, Eigen::VectorXd& adj_tau) const {
    z.adj().array() += adj_phi.array() / precision.array().sqrt();
    const Eigen::VectorXd moved = adj_phi.array() / precision.array();
    const Eigen::VectorXd narrowed
        = moved.array() * (pulled + 0.5 * scattered).array() + 0.5 * adj / precision.array();
    adj_tau.noalias() += pull.transpose() * moved - share.transpose() * narrowed;
  }
};

// Of rows with n degrees of freedom whose squared residuals over square(sigma_hat) add up to sum(square(d + c * phi)) +
// rest, relative to the density at phi = 0, sigma = sigma_hat; tau = square(sigma_hat / sigma).
template <typename T, typename Vector>
struct Within {
  const Vector& c;
  double n, tau, rest, squares;
  Numbers<T> residual;

  Within(const Numbers<T>& phi, double tau, double n, const Vector& c, const Vector& d, double rest)
      : c(c), n(n), tau(tau), rest(rest), residual(phi.size()) {
    residual.array() = d.array() + c.array() * phi.array();
    squares = residual.squaredNorm();
  }

  double log_density() const { return 0.5 * (n * std::log(tau) - tau * squares - (tau - 1) * rest); }

  void reverse(double adj, Eigen::VectorXd& adj_phi, double& adj_tau) const {
    adj_phi.array() -= adj * tau * c.array() * residual.array();
    adj_tau += 0.5 * adj * (n / tau - squares - rest);
  }
};

// Of the group means, by stratum: J groups of weight 1 / W_inv have variance v, v_hat at the reference point; the
// residuals of their compressed rows, in units of sqrt(v_hat), are offset + rows * phi. Where weights at which strata
// are summed up stand for these, there are no rows but sums of their products: of each such weight the squared
// residuals are rest + 2 * linear' * phi + phi' * products * phi.
template <typename T, typename Vector, typename Matrix>
struct Between {
  const Vector& J;
  const Vector& W_inv;
  double value, prior = 0;
  Numbers<T> v_inv, squares, pulled;  // -pulled is the derivative by phi

  Between(const Numbers<T>& phi, double sigma_sq, double sigma_alpha_sq, const Vector& J, const Vector& W_inv,
          const Vector& v_hat, const std::vector<int>& stratum, const Matrix& rows, const Vector& offset,
          const Matrix& products, const Matrix& linear, const Vector& rest, bool with_prior)
      : J(J), W_inv(W_inv), v_inv(J.size()), squares(J.size()), pulled(phi.size()) {
    v_inv.array() = 1 / (sigma_alpha_sq + sigma_sq * W_inv.array());
    pulled.setZero();
    if (rest.size() > 0)
      add_products(phi, v_hat, products, linear, rest, with_prior);
    else
      add_rows(phi, v_hat, stratum, rows, offset, with_prior);
    value = 0.5 * ((J.array() * (v_hat.array() * v_inv.array()).log()).sum() - squares.sum()) + prior;
  }

  double log_density() const { return value; }

  void reverse(double adj, Eigen::VectorXd& adj_phi, double& adj_sigma_sq, double& adj_sigma_alpha_sq) const {
    adj_phi.noalias() -= adj * pulled;
    const Eigen::VectorXd adj_v = 0.5 * adj * (squares - J).array() * v_inv.array();
    adj_sigma_alpha_sq += adj_v.sum();
    adj_sigma_sq += adj_v.dot(W_inv);
  }

 private:
  // Many rows are gone over once, a few at a time, so that both products find them in the cache.
  static constexpr Eigen::Index kTogether = 1 << 14, kRows = 64;

  void add_rows(const Numbers<T>& phi, const Vector& v_hat, const std::vector<int>& stratum, const Matrix& rows,
                const Vector& offset, bool with_prior) {
    squares.setZero();
    const Eigen::Index B = rows.rows(), step = rows.size() <= kTogether ? B : kRows;
    Eigen::VectorXd scaled;
    for (Eigen::Index first = 0; first < B; first += step) {
      const auto some = rows.middleRows(first, std::min(step, B - first));
      scaled = offset.segment(first, some.rows());
      scaled.noalias() += some * phi;
      for (Eigen::Index b = 0; b < scaled.size(); ++b) {
        const int h = stratum[first + b] - 1;
        const double residual = scaled.coeff(b), moved = residual - offset.coeff(first + b);
        scaled.coeffRef(b) *= v_hat.coeff(h) * v_inv.coeff(h);
        squares.coeffRef(h) += residual * scaled.coeff(b);
        if (with_prior) {
          prior += 0.5 * moved * moved;
          scaled.coeffRef(b) -= moved;
        }
      }
      pulled.noalias() += some.transpose() * scaled;
    }
  }

  void add_products(const Numbers<T>& phi, const Vector& v_hat, const Matrix& products, const Matrix& linear,
                    const Vector& rest, bool with_prior) {
    Eigen::MatrixXd turned(phi.size(), J.size());
    Eigen::Map<Eigen::VectorXd>(turned.data(), turned.size()).noalias() = products.transpose() * phi;
    const Eigen::VectorXd quadratic = turned.transpose() * phi, twice = linear.transpose() * phi;
    Eigen::VectorXd ratio = v_hat.array() * v_inv.array();
    squares.array() = ratio.array() * (rest + 2 * twice + quadratic).array();
    pulled.noalias() += linear * ratio;
    if (with_prior) {
      prior = 0.5 * quadratic.sum();
      ratio.array() -= 1;
    }
    pulled.noalias() += turned * ratio;
  }
};

// Of normal priors on all location parameters. In these coordinates the precisions of rows, group means and priors add
// up to the identity at the reference point, so the priors' is what the rows leave of it; `Between` takes away from that
// what is its own.
template <typename T>
struct NormalPriors {
  double value = 0;
  Numbers<T> pulled;

  template <typename Precision, typename Pull>
  NormalPriors(const Numbers<T>& phi, const Precision& precision, const Pull& pull) : pulled(phi.size()) {
    pulled.array() = precision.array() * phi.array() - pull.array();
    value = -0.5 * (pulled - pull).dot(phi);
  }

  void reverse(double adj, Eigen::VectorXd& adj_phi) const { adj_phi.noalias() -= adj * pulled; }
};

// theta, and after it the log density
template <typename T, typename Vector, typename Matrix>
Kept<T, Parameters<T>> joined(const Vector& theta_hat, const Matrix& basis, const Numbers<T>& phi, double log_density) {
  Eigen::VectorXd values(theta_hat.size() + 1);
  values << theta_hat + basis * phi, log_density;
  return Kept<T, Parameters<T>>(values);
}

}  // namespace stanhier

// The parameters z arrive as a vector of their own, or, from later versions of Stan's compiler, as a view of all
// parameters.
template <typename Z, typename T, typename Vector, typename Matrix>
stanhier::Parameters<T> linear_rows(
    const Z& z, const T& log_sigma, const Vector& theta_hat, const Matrix& basis,
    const Matrix& share, const Matrix& pull, int N, const Vector& c, const Vector& d, double rest, double sigma_hat,
    std::ostream*) {
  const double root_tau = sigma_hat / std::exp(stan::math::value_of(log_sigma));
  const Eigen::VectorXd tau = Eigen::Vector2d(root_tau * root_tau, 1);
  const stanhier::Unwhitening<T, Matrix> location(z, tau, share, pull);
  const stanhier::Within<T, Vector> rows(location.phi, tau[0], N, c, d, rest);
  const bool with_prior = basis.rows() < basis.cols();
  const stanhier::NormalPriors<T> prior(location.phi, share.col(1), pull.col(1));
  auto result = stanhier::joined<T>(theta_hat, basis, location.phi, location.log_density() + rows.log_density()
                                                                        + (with_prior ? prior.value : 0));
  if constexpr (stan::is_var<T>::value) {
    stan::math::arena_matrix<stanhier::Parameters<T>> kept_z = z;
    stan::math::reverse_pass_callback([=, &basis, tau = tau[0]]() mutable {
      const Eigen::VectorXd adjoints = result.adj();
      const double adj = adjoints[basis.rows()];
      Eigen::VectorXd adj_phi = basis.transpose() * adjoints.head(basis.rows());
      if (with_prior) prior.reverse(adj, adj_phi);
      Eigen::VectorXd adj_tau = Eigen::Vector2d::Zero();
      rows.reverse(adj, adj_phi, adj_tau[0]);
      location.reverse(adj, adj_phi, kept_z, adj_tau);
      log_sigma.adj() -= 2 * tau * adj_tau[0];
    });
  }
  return result;
}

template <typename Z, typename T, typename Vector, typename Matrix>
stanhier::Parameters<T> grouped_rows(
    const Z& z, const T& log_sigma, const T& log_sigma_alpha, const Vector& theta_hat,
    const Matrix& basis, const Matrix& share, const Matrix& pull, int n_within, const Vector& c, const Vector& d,
    double rest, const Vector& J_stratum, const Vector& W_inv, const Vector& v_hat, const std::vector<int>& stratum,
    const Matrix& between, const Vector& between_residual, const Matrix& products, const Matrix& product_linear,
    const Vector& product_rest, double W_typical, double sigma_hat, double sigma_alpha_hat, std::ostream*) {
  const double sigma_sq = std::exp(2 * stan::math::value_of(log_sigma));
  const double sigma_alpha_sq = std::exp(2 * stan::math::value_of(log_sigma_alpha));
  const double v_typical = sigma_alpha_sq + sigma_sq / W_typical;
  const double v_typical_hat = sigma_alpha_hat * sigma_alpha_hat + sigma_hat * sigma_hat / W_typical;
  const Eigen::VectorXd tau = Eigen::Vector3d(sigma_hat * sigma_hat / sigma_sq, v_typical_hat / v_typical, 1);
  const stanhier::Unwhitening<T, Matrix> location(z, tau, share, pull);
  const stanhier::Within<T, Vector> within(location.phi, tau[0], n_within, c, d, rest);
  const bool with_prior = basis.rows() < basis.cols();
  const stanhier::Between<T, Vector, Matrix> means(location.phi, sigma_sq, sigma_alpha_sq, J_stratum, W_inv, v_hat,
                                                   stratum, between, between_residual, products, product_linear,
                                                   product_rest, with_prior);
  const stanhier::NormalPriors<T> prior(location.phi, 1 - c.array().square(), pull.col(2));
  auto result = stanhier::joined<T>(theta_hat, basis, location.phi,
                                    location.log_density() + within.log_density() + means.log_density()
                                        + (with_prior ? prior.value : 0));
  if constexpr (stan::is_var<T>::value) {
    stan::math::arena_matrix<stanhier::Parameters<T>> kept_z = z;
    stan::math::reverse_pass_callback([=, &basis, tau = Eigen::Vector3d(tau)]() mutable {
      const Eigen::VectorXd adjoints = result.adj();
      const double adj = adjoints[basis.rows()];
      Eigen::VectorXd adj_phi = basis.transpose() * adjoints.head(basis.rows());
      if (with_prior) prior.reverse(adj, adj_phi);
      Eigen::VectorXd adj_tau = Eigen::Vector3d::Zero();
      double adj_sigma_sq = 0, adj_sigma_alpha_sq = 0;
      within.reverse(adj, adj_phi, adj_tau[0]);
      means.reverse(adj, adj_phi, adj_sigma_sq, adj_sigma_alpha_sq);
      location.reverse(adj, adj_phi, kept_z, adj_tau);
      const double adj_v_typical = -adj_tau[1] * tau[1] / v_typical;
      adj_sigma_sq += adj_v_typical / W_typical;
      adj_sigma_alpha_sq += adj_v_typical;
      log_sigma.adj() += 2 * (sigma_sq * adj_sigma_sq - tau[0] * adj_tau[0]);
      log_sigma_alpha.adj() += 2 * sigma_alpha_sq * adj_sigma_alpha_sq;
    });
  }
  return result;
}
