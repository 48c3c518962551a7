// y[n] ~ normal(alpha + X[n] * beta + Z[n] * effect[jj[n]], sigma), effect[j] ~ multi_normal(0, S)
data {
  int<lower=1> N; // rows
  int<lower=1> J; // groups
  int<lower=1> K; // predictors
  int<lower=2> Q; // effects that vary by group
  array[N] int<lower=1, upper=J> jj; // group of each row
  matrix[N, K] X;
  matrix[N, Q] Z;
  vector[N] y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  vector<lower=0>[Q] sd_prior;
  real<lower=0> sigma_prior;
}
parameters {
  real alpha;
  vector[K] beta;
  vector<lower=0>[Q] sd;
  cholesky_factor_corr[Q] L;
  matrix[Q, J] z; // standardised effects
  real<lower=0> sigma;
}
transformed parameters {
  matrix[J, Q] effect = (diag_pre_multiply(sd, L) * z)';
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sd ~ cauchy(0, sd_prior);
  L ~ lkj_corr_cholesky(1);
  to_vector(z) ~ std_normal();
  sigma ~ cauchy(0, sigma_prior);
  y ~ normal_id_glm(X, alpha + rows_dot_product(Z, effect[jj]), beta, sigma);
}
