// Correlated normals: x ~ normal(0, 1), y ~ normal(x, scale).
data {
  real<lower=0> scale;
}
parameters {
  real x;
  vector[2] y;
}
model {
  x ~ normal(0, 1);
  y ~ normal(x, scale);
}
generated quantities {
  real y_rep = normal_rng(y[1], scale);
  real sum_y = sum(y);
}
