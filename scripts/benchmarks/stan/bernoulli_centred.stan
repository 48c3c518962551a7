// y[n] ~ bernoulli_logit(own_1[jj_1[n]] + X[n] * beta), own_1[j] ~ normal(alpha, sd[1])
data {
  int<lower=1> N; // rows
  int<lower=1> K; // predictors
  int<lower=1> J_1; // levels of the factor
  array[N] int<lower=1, upper=J_1> jj_1; // level of each row
  matrix[N, K] X;
  array[N] int<lower=0, upper=1> y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  vector<lower=0>[1] sd_prior;
}
parameters {
  real alpha;
  vector[K] beta;
  vector<lower=0>[1] sd;
  vector[J_1] own_1; // intercepts of the levels
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sd ~ cauchy(0, sd_prior);
  own_1 ~ normal(alpha, sd[1]);
  y ~ bernoulli_logit_glm(X, own_1[jj_1], beta);
}
