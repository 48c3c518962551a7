// y[n] ~ normal(alpha + effect_1[jj_1[n]] + effect_2[jj_2[n]], sigma); the factors may be crossed or nested
data {
  int<lower=1> N; // rows
  int<lower=1> J_1; // levels of the first factor
  int<lower=1> J_2;
  array[N] int<lower=1, upper=J_1> jj_1; // level of each row
  array[N] int<lower=1, upper=J_2> jj_2;
  vector[N] y;
  vector[2] intercept_prior; // mean, sd
  vector<lower=0>[2] sd_prior;
  real<lower=0> sigma_prior;
}
parameters {
  real alpha;
  vector<lower=0>[2] sd;
  vector<multiplier=sd[1]>[J_1] effect_1;
  vector<multiplier=sd[2]>[J_2] effect_2;
  real<lower=0> sigma;
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  sd ~ cauchy(0, sd_prior);
  effect_1 ~ normal(0, sd[1]);
  effect_2 ~ normal(0, sd[2]);
  sigma ~ cauchy(0, sigma_prior);
  y ~ normal(alpha + effect_1[jj_1] + effect_2[jj_2], sigma);
}
