// y[n] ~ student_t(nu, alpha + effect_1[jj_1[n]] + X[n] * beta, sigma), effect_1[j] ~ normal(0, sd[1])
data {
  int<lower=1> N; // rows
  int<lower=1> K; // predictors
  int<lower=1> J_1; // levels of the factor
  array[N] int<lower=1, upper=J_1> jj_1; // level of each row
  matrix[N, K] X;
  vector[N] y;
  vector[2] intercept_prior; // mean, sd
  vector[2] beta_prior;
  vector<lower=0>[1] sd_prior;
  real<lower=0> sigma_prior;
  vector<lower=0>[2] nu_prior; // shape, rate
}
parameters {
  real alpha;
  vector[K] beta;
  vector<lower=0>[1] sd;
  vector<multiplier=sd[1]>[J_1] effect_1;
  real<lower=0> sigma;
  real<lower=0> nu;
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  beta ~ normal(beta_prior[1], beta_prior[2]);
  sd ~ cauchy(0, sd_prior);
  effect_1 ~ normal(0, sd[1]);
  sigma ~ cauchy(0, sigma_prior);
  nu ~ gamma(nu_prior[1], nu_prior[2]);
  y ~ student_t(nu, alpha + effect_1[jj_1] + X * beta, sigma);
}
