// y[n] ~ bernoulli_logit(own_1[jj_1[n]] + effect_2[jj_2[n]] + X[n] * beta), own_1[j] ~ normal(alpha, sd[1])
data {
  int<lower=1> N; // rows
  int<lower=1> K; // predictors
  int<lower=1> J_1; // levels of the first factor
  int<lower=1> J_2; // levels of the second
  array[N] int<lower=1, upper=J_1> jj_1; // level of each row
  array[N] int<lower=1, upper=J_2> jj_2;
  matrix[N, K] X;
  array[N] int<lower=0, upper=1> y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  vector<lower=0>[2] sd_prior;
}
parameters {
  real alpha;
  vector[K] beta;
  vector<lower=0>[2] sd;
  vector[J_1] own_1; // intercepts of the levels
  vector[J_2] effect_2;
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sd ~ cauchy(0, sd_prior);
  own_1 ~ normal(alpha, sd[1]);
  effect_2 ~ normal(0, sd[2]);
  y ~ bernoulli_logit_glm(X, own_1[jj_1] + effect_2[jj_2], beta);
}
