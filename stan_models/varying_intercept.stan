// Varying-intercept regression from sufficient statistics, group effects integrated out.
//
//   y[n] ~ normal(alpha[g[n]] + x[n] * beta, sigma / sqrt(w[n])),   alpha[j] ~ normal(mu_alpha, sigma_alpha)
//
// Within groups the rows reach Stan through the triangular factor of the group-centred data, in coordinates phi
// in which it is diagonal; between groups the mean of group j, of weight W[j] = sum of its w, has
//   ybar[j] ~ normal(mu_alpha + xbar[j] * beta, sqrt(v[j])),   v[j] = square(sigma_alpha) + square(sigma) / W[j].
// Groups of equal weight form a stratum: they share v, so their rows compress once more. All rows of the between
// part arrive divided by the root of v_hat, their v at the point around which the parameters are whitened. Where there
// are many strata a few weights stand for them: 1 / v and log(v) are interpolated in log(W) to all digits, and the sums
// over the strata are at hand as sums over these weights, with J_stratum that are no whole numbers.
// theta holds the quantities that have priors: mu_alpha (where its prior applies) and the slopes.
//
// Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013; Gelman & Hill (2007), chapter 12.
functions {
  #include functions/prior.stanfunctions
  #include functions/rows.stanfunctions
  
  #include functions/scales.stanfunctions
}
data {
  int<lower=0> N; // rows
  int<lower=1> J; // groups
  int<lower=1> P; // location parameters
  int<lower=0, upper=P> T; // those in theta: all, or none where their priors are normal and taken in phi
  int<lower=1> H; // strata: distinct group weights, or fewer that stand for these
  int<lower=0, upper=H> M; // H if these come as sums of products, else 0
  int<lower=0> B; // rows of the between part
  int<lower=0, upper=1> S; // 1 if sigma is estimated, 0 if it is sigma_hat
  
  vector[T] theta_hat;
  matrix[T, P] basis;
  matrix<lower=0>[P, 3] share; // of the rows within groups, of the group means, of the prior
  matrix[P, 3] pull;
  
  vector<lower=0>[P] c;
  vector[P] d;
  real<lower=0> rest;
  
  vector<lower=0>[H] W; // weight of a group of this stratum
  vector[H] J_stratum; // its number of groups
  vector<lower=0>[H] v_hat;
  array[B] int<lower=1, upper=H> stratum;
  matrix[B, P] between;
  vector[B] between_residual;
  matrix[P, M * P] products;
  matrix[P, M] product_linear;
  vector[M] product_rest;
  real<lower=0> W_typical; // the one weight that stands for all of them in the whitening
  
  real<lower=0> sigma_hat;
  real<lower=0> sigma_alpha_hat;
  vector[S + 1] u_hat;
  matrix[S + 1, S + 1] u_basis;
  
  // The scales are sampled as u[1] = log(sigma_alpha / sigma) and u[2] = log(sigma) relative to where it is likely given
  // that ratio: the root of the mean square of all N residuals. Unlike sigma and sigma_alpha themselves these two are
  // all but independent, also where only the sum of the variances is known (groups of one). With a known sigma u[1] is
  // log(sigma_alpha). In the place of the logarithm u[1] has a soft one, linear far above the softness: where
  // sigma_alpha may be 0 its logarithm has a long tail.
  real<lower=0> softness;
  int<lower=1> C; // classes of group weights
  real<lower=0> squares_within;
  vector<lower=0>[C] squares_between;
  vector<lower=0>[C] W_class;
  
  array[T] int<lower=0, upper=2> prior_family;
  vector<lower=0>[T] prior_nu;
  vector[T] prior_mu;
  vector<lower=0>[T] prior_sigma;
  array[S + 1] int<lower=0, upper=3> scale_prior_family;
  vector<lower=0>[S + 1] scale_prior_nu;
  vector<lower=0>[S + 1] scale_prior_sigma;
}
transformed data {
  int n_within = N - J;
  vector[C] W_class_inv = inv(W_class);
  vector[H] W_inv = inv(W);
}
parameters {
  vector[P] z; // location, whitened
  vector[S + 1] z_scale; // u, whitened
}
model {
  vector[S + 1] u = u_hat + u_basis * z_scale;
  vector[S + 1] log_scale = log_scales(u, softness, N, squares_within, squares_between, W_class_inv);
  real log_sigma = S == 1 ? log_scale[2] : log(sigma_hat);
  vector[S + 1] scale = exp(log_scale);
  vector[T + 1] theta_and_log_density = grouped_rows(z, log_sigma, log_scale[1], theta_hat, basis, share, pull,
                                                     n_within, c, d, rest, J_stratum, W_inv, v_hat, stratum, between,
                                                     between_residual, products, product_linear, product_rest,
                                                     W_typical, sigma_hat, sigma_alpha_hat);
  vector[T] theta = theta_and_log_density[1 : T];
  
  target += theta_and_log_density[T + 1] + sum(log_scale) + log_soft_log_slope(u[1]);
  target += priors_lpdf(theta | prior_family, prior_nu, prior_mu, prior_sigma);
  target += priors_lpdf(scale | scale_prior_family, scale_prior_nu, rep_vector(0, S + 1), scale_prior_sigma);
}

