// y[n] ~ poisson_log(own_3[jj_3[n]] + X[n] * beta), own_3[j] ~ normal(own_2[parent_3[j]], sd[3]), and so on outwards
data {
  int<lower=1> N; // rows
  int<lower=1> K; // predictors
  int<lower=1> J_1; // levels of the outer factor
  int<lower=1> J_2; // levels of the middle one
  int<lower=1> J_3; // levels of the inner one
  array[J_2] int<lower=1, upper=J_1> parent_2; // level of the factor around it
  array[J_3] int<lower=1, upper=J_2> parent_3; // level of the factor around it
  array[N] int<lower=1, upper=J_3> jj_3; // level of each row
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
  vector[J_1] own_1; // intercepts of the levels
  vector[J_2] own_2;
  vector[J_3] own_3;
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sd ~ cauchy(0, sd_prior);
  own_1 ~ normal(alpha, sd[1]);
  own_2 ~ normal(own_1[parent_2], sd[2]);
  own_3 ~ normal(own_2[parent_3], sd[3]);
  y ~ poisson_log_glm(X, own_3[jj_3], beta);
}
