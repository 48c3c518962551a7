// y[n] ~ normal(alpha[jj[n]], se[n]), alpha[j] ~ normal(mu_alpha, sigma_alpha)
data {
  int<lower=1> N; // rows
  int<lower=1> J; // groups
  array[N] int<lower=1, upper=J> jj; // group of each row
  vector[N] y;
  vector<lower=0>[N] se; // known standard error of each row
  vector[2] intercept_prior; // mean, sd
  real<lower=0> sigma_alpha_prior;
}
parameters {
  real mu_alpha;
  real<lower=0> sigma_alpha;
  vector<offset=mu_alpha, multiplier=sigma_alpha>[J] alpha;
}
model {
  mu_alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  sigma_alpha ~ cauchy(0, sigma_alpha_prior);
  alpha ~ normal(mu_alpha, sigma_alpha);
  y ~ normal(alpha[jj], se);
}
