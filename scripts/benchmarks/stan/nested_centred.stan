// y[n] ~ normal(own_2[jj_2[n]], sigma), own_2[j] ~ normal(own_1[parent_2[j]], sd[2]), own_1[i] ~ normal(alpha, sd[1])
data {
  int<lower=1> N; // rows
  int<lower=1> J_1; // levels of the outer factor
  int<lower=1> J_2; // levels of the inner factor
  array[J_2] int<lower=1, upper=J_1> parent_2; // outer level of each inner one
  array[N] int<lower=1, upper=J_2> jj_2; // inner level of each row
  vector[N] y;
  vector[2] intercept_prior; // mean, sd
  vector<lower=0>[2] sd_prior;
  real<lower=0> sigma_prior;
}
parameters {
  real alpha;
  vector<lower=0>[2] sd;
  vector[J_1] own_1; // means of the levels
  vector[J_2] own_2;
  real<lower=0> sigma;
}
model {
  alpha ~ normal(intercept_prior[1], intercept_prior[2]);
  sd ~ cauchy(0, sd_prior);
  own_1 ~ normal(alpha, sd[1]);
  own_2 ~ normal(own_1[parent_2], sd[2]);
  sigma ~ cauchy(0, sigma_prior);
  y ~ normal(own_2[jj_2], sigma);
}
