// A coin: y ~ bernoulli(theta), theta ~ uniform(0, 1).
data {
  int<lower=0> N;
  array[N] int<lower=0, upper=1> y;
}
parameters {
  real<lower=0, upper=1> theta;
}
model {
  profile("likelihood") {
    theta ~ beta(1, 1);
    y ~ bernoulli(theta);
  }
}
