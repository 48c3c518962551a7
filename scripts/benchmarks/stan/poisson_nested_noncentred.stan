// y[n] ~ poisson_log(alpha + effect_1[jj_1[n]] + effect_2[jj_2[n]] + effect_3[jj_3[n]] + X[n] * beta)
data {
  int<lower=1> N; // rows
  int<lower=1> K; // predictors
  int<lower=1> J_1; // levels of the outer factor
  int<lower=1> J_2; // levels of the middle one
  int<lower=1> J_3; // levels of the inner one
  array[N] int<lower=1, upper=J_1> jj_1; // level of each row
  array[N] int<lower=1, upper=J_2> jj_2;
  array[N] int<lower=1, upper=J_3> jj_3;
  matrix[N, K] X;
  array[N] int<lower=0> y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  vector<lower=0>[3] sd_prior;
}
parameters {
  real alpha;
  vector[K] beta;
  vector<lower=0>[3] sd;
  vector<multiplier=sd[1]>[J_1] effect_1;
  vector<multiplier=sd[2]>[J_2] effect_2;
  vector<multiplier=sd[3]>[J_3] effect_3;
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sd ~ cauchy(0, sd_prior);
  effect_1 ~ normal(0, sd[1]);
  effect_2 ~ normal(0, sd[2]);
  effect_3 ~ normal(0, sd[3]);
  y ~ poisson_log_glm(X, alpha + effect_1[jj_1] + effect_2[jj_2] + effect_3[jj_3], beta);
}
