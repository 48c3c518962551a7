// y[n] ~ normal(alpha + X[n] * beta, sigma)
data {
  int<lower=1> N; // rows
  int<lower=1> K; // predictors
  matrix[N, K] X;
  vector[N] y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  real<lower=0> sigma_prior;
}
parameters {
  real alpha;
  vector[K] beta;
  real<lower=0> sigma;
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sigma ~ cauchy(0, sigma_prior);
  y ~ normal_id_glm(X, alpha, beta, sigma);
}
