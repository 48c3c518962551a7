// Multilevel regression with Gaussian residuals: slopes that vary, and several grouping factors, from sufficient
// statistics. All effects and the location parameters are integrated out; Stan walks in the scales and correlations.
//
//   y[n] ~ normal(x[n] * location + sum over terms t of z_t[n] * b_t[g_t[n]], sigma / sqrt(w[n]))
//   b_t[j] ~ multi_normal(0, sigma^2 Lambda_t Lambda_t'),   Lambda_t = diag(sd_t / sigma) * (Cholesky factor of the
//                                                                     correlations, block by block)
//
// Term e, the one with most levels, is eliminated group by group: the triangular factor of group j's rows of
// [z_e | other terms' columns, location, y] begins with q[e] rows [R_j B_j], those that z_e explains; given all else
// they have covariance sigma^2 V_j, V_j = I + R_j Lambda_e Lambda_e' R_j'. Groups of equal R_j form a stratum h. All
// that is needed of the rows is
//   G = G0 + sum over h, k, l of inverse(V_h)[k, l] * (sum over the groups j of h of B_j[k]' * B_j[l]),
// where G0 holds the cross-products of the rows below. The columns of the M effects of the other terms are multiplied
// by Lambda_t, so that these have standard normal priors, and then they are integrated out together with the location.
//
// The location reaches Stan in coordinates phi, in which it is nearly standard normal; theta = theta_hat +
// prior_rows * phi holds the quantities that have priors. A Student t prior is normal with precision
// lambda * prior_precision, lambda ~ gamma(nu / 2, nu / 2).
//
// Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013; Lewandowski, Kurowicka & Joe (2009),
// doi:10.1016/j.jmva.2009.04.008 (correlations).
functions {
  #include functions/multilevel.stanfunctions
}
data {
  int<lower=0> N; // rows
  int<lower=0> P; // location parameters
  int<lower=0> M; // effects of the terms that are not eliminated
  int<lower=1> T; // terms
  int<lower=1> H; // strata: distinct R
  int<lower=0, upper=1> S; // 1 if sigma is estimated, 0 if it is sigma_known
  int<lower=T> B; // blocks of correlated effects
  int<lower=T> Qn; // effects of one level of each term
  int<lower=0> Cn; // correlations
  int<lower=0, upper=P> n_t; // Student t priors
  
  array[T] int<lower=1> q; // effects of the term
  array[T] int<lower=1> J; // levels of the term
  int<lower=1, upper=T> e; // the eliminated term
  array[B] int<lower=1, upper=T> block_term; // ascending
  array[B] int<lower=1> block_size;
  vector<lower=0>[B] eta; // of the LKJ prior
  
  matrix[M + P + 1, M + P + 1] G0; // other terms' effects by term, level and effect; location; y
  vector<lower=0>[H] n_groups;
  matrix[H * q[e], q[e]] R; // upper triangular, one below the other
  // Lower triangles of cross-products, row by row, in the rows; pairs (k, l) of each stratum in the columns, k >= l:
  // those with k > l stand for (l, k) as well, so that B_j[k]' * B_j[l] and its transpose are added.
  matrix[((M + P + 1) * (M + P + 2)) %/% 2, H * ((q[e] * (q[e] + 1)) %/% 2)] moments;
  
  matrix[P, P] prior_rows;
  vector[P] prior_residual; // theta_hat - mu
  vector<lower=0>[P] prior_precision; // 0: flat
  array[P] int<lower=0, upper=n_t> t_prior; // which lambda multiplies the precision; 0: none
  vector<lower=0>[n_t] t_nu;
  
  // u = u_hat + u_basis * z holds soft logarithms of the relative sds, sd / sigma = softness * log1p_exp(u), then
  // artanh of the partial correlations, log(sigma) if it is estimated, log(lambda).
  vector[Qn + Cn + S + n_t] u_hat;
  matrix[Qn + Cn + S + n_t, Qn + Cn + S + n_t] u_basis;
  vector<lower=0>[Qn] softness;
  real<lower=0> sigma_known;
  
  array[Qn + S] int<lower=0, upper=3> scale_prior_family; // of the sds, and of sigma; codes as in prior.stanfunctions
  vector<lower=0>[Qn + S] scale_prior_nu;
  vector<lower=0>[Qn + S] scale_prior_sigma;
}
transformed data {
  matrix[P + 1, P + 1] fixed_prior = rep_matrix(0, P + 1, P + 1);
  for (k in 1 : P) {
    if (t_prior[k] == 0 && prior_precision[k] > 0) {
      vector[P + 1] row = append_row(prior_rows[k]', -prior_residual[k]);
      fixed_prior += prior_precision[k] * row * row';
    }
  }
}
parameters {
  vector[Qn + Cn + S + n_t] z;
}
model {
  target += multilevel_density(z, u_hat, u_basis, softness, sigma_known, N, P, S, q, J, e, block_term, block_size, eta,
              scale_prior_family, scale_prior_nu, scale_prior_sigma, G0, n_groups, R, moments, prior_rows,
              prior_residual, prior_precision, t_prior, t_nu, fixed_prior);
}

