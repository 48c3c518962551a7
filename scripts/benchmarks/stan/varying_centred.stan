// y[n] ~ normal(alpha[jj[n]] + X[n] * beta, sigma), alpha[j] ~ normal(mu_alpha, sigma_alpha)
data {
  int<lower=1> N; // rows
  int<lower=1> J; // groups
  int<lower=1> K; // predictors
  array[N] int<lower=1, upper=J> jj; // group of each row
  matrix[N, K] X;
  vector[N] y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  real<lower=0> sigma_alpha_prior;
  real<lower=0> sigma_prior;
}
parameters {
  real mu_alpha;
  real<lower=0> sigma_alpha;
  vector[J] alpha;
  vector[K] beta;
  real<lower=0> sigma;
}
model {
  mu_alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  sigma_alpha ~ cauchy(0, sigma_alpha_prior);
  alpha ~ normal(mu_alpha, sigma_alpha);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sigma ~ cauchy(0, sigma_prior);
  y ~ normal_id_glm(X, alpha[jj], beta, sigma);
}
