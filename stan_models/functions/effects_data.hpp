// What the density of explicit_effects.stan is made of, and the memory that it works in.
#ifndef STANHIER_EFFECTS_DATA_HPP
#define STANHIER_EFFECTS_DATA_HPP

#include <vector>

#include "chains.hpp"
#include "covariance.hpp"
#include "stretches.hpp"

namespace stanhier {
namespace effects {

using multilevel::Covariances;
using multilevel::Factor;

// What the density is made of: the data block of the program.
template <typename Matrix, typename Vector>
struct Data {
  int family, P;
  const std::vector<int>&q, &J, &block_term, &block_size;
  const Vector& eta;
  const Matrix &X, &Z;
  const std::vector<int>& z_column;
  const std::vector<std::vector<int>>& g;
  int sorted;
  const std::vector<int>& first;
  const Vector &y, &n, &offset, &phi_hat, &counts, &info, &pulled;
  const Matrix& coupling;
  const std::vector<int>&above, &parent;
  const Vector& b_hat;
  double sigma_hat;
  const Matrix& prior_rows;
  const Vector &prior_residual, &prior_precision;
  const std::vector<int>& t_prior;
  const Vector &t_nu, &u_hat;
  const Matrix& u_basis;
  const Vector& softness;
  double sigma_known;
  const std::vector<int>& scale_prior_family;
  const Vector &scale_prior_nu, &scale_prior_mu, &scale_prior_sigma;
};

// Memory that one gradient leaves to the next.
struct Work {
  VectorXd z, u, phi, location, rhs, effects, adj_effects, adj_rhs, adj_phi, adj_u, adj_z, kept, theta;
  Covariances covariances;
  ChainWork chains;
  VectorXd copies;  // of adj_effects, four each, of terms with few levels
  alignas(64) double eta[kStretch], r[kStretch], l[kStretch], d[kStretch], m[kStretch];
};

}  // namespace effects
}  // namespace stanhier
#endif
