// y[n] ~ normal(X[n, fixed] * beta[fixed] + Z[n] * own[jj[n]], sigma), own[j] ~ multi_normal(population, S),
// where population holds alpha and those slopes of beta that vary by group
data {
  int<lower=1> N; // rows
  int<lower=1> J; // groups
  int<lower=1> K; // predictors
  int<lower=2> Q; // effects that vary by group
  int<lower=0, upper=K> F; // predictors whose slopes do not vary
  array[F] int<lower=1, upper=K> fixed; // which these are
  array[Q] int<lower=0, upper=K> position; // the predictor of each effect; 0 is the intercept
  array[N] int<lower=1, upper=J> jj; // group of each row
  matrix[N, K] X;
  matrix[N, Q] Z;
  vector[N] y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  vector<lower=0>[Q] sd_prior;
  real<lower=0> sigma_prior;
}
transformed data {
  matrix[N, F] X_fixed = X[ : , fixed];
}
parameters {
  real alpha;
  vector[K] beta;
  vector<lower=0>[Q] sd;
  cholesky_factor_corr[Q] L;
  array[J] vector[Q] own; // intercept and slopes of each group
  real<lower=0> sigma;
}
model {
  vector[Q] population;
  matrix[J, Q] slopes;
  for (q in 1 : Q) {
    population[q] = position[q] == 0 ? alpha : beta[position[q]];
    slopes[ : , q] = to_vector(own[ : , q]);
  }
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sd ~ cauchy(0, sd_prior);
  L ~ lkj_corr_cholesky(1);
  own ~ multi_normal_cholesky(population, diag_pre_multiply(sd, L));
  sigma ~ cauchy(0, sigma_prior);
  y ~ normal_id_glm(X_fixed, rows_dot_product(Z, slopes[jj]), beta[fixed], sigma);
}
