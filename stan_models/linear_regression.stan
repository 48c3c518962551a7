// Linear regression from sufficient statistics.
//
//   y[n] ~ normal(alpha + x[n] * beta, sigma / sqrt(w[n]))
//
// The rows reach Stan through their triangular factor, in coordinates phi in which it is diagonal:
//   sum(w .* square(y - alpha - X * beta)) = square(sigma_hat) * (sum(square(d + c .* phi)) + rest).
// theta holds the quantities that have priors: the intercept (where its prior applies) and the slopes.
//
// Golub & Van Loan (2013), Matrix Computations, chapters 5 and 6 (QR, generalised singular values).
functions {
  #include functions/prior.stanfunctions
  #include functions/rows.stanfunctions
}
data {
  int<lower=0> N; // rows
  int<lower=0> P; // location parameters
  int<lower=0, upper=P> T; // those in theta: all, or none where their priors are normal and taken in phi
  int<lower=0, upper=1> S; // 1 if sigma is estimated, 0 if it is sigma_hat
  
  vector[T] theta_hat;
  matrix[T, P] basis;
  matrix<lower=0>[P, 2] share; // of the rows, of the prior
  matrix[P, 2] pull;
  
  vector<lower=0>[P] c;
  vector[P] d;
  real<lower=0> rest;
  
  real<lower=0> sigma_hat;
  vector[S] u_hat;
  matrix[S, S] u_basis;
  
  array[T] int<lower=0, upper=2> prior_family;
  vector<lower=0>[T] prior_nu;
  vector[T] prior_mu;
  vector<lower=0>[T] prior_sigma;
  array[S] int<lower=0, upper=3> scale_prior_family;
  vector<lower=0>[S] scale_prior_nu;
  vector<lower=0>[S] scale_prior_sigma;
}
parameters {
  vector[P] z; // location, whitened
  vector[S] z_scale; // log(sigma), whitened
}
model {
  vector[S] log_scale = u_hat + u_basis * z_scale;
  real log_sigma = S == 1 ? log_scale[1] : log(sigma_hat);
  vector[S] scale = exp(log_scale);
  vector[T + 1] theta_and_log_density = linear_rows(z, log_sigma, theta_hat, basis, share, pull, N, c, d, rest,
                                                    sigma_hat);
  vector[T] theta = theta_and_log_density[1 : T];
  
  target += theta_and_log_density[T + 1] + sum(log_scale);
  target += priors_lpdf(theta | prior_family, prior_nu, prior_mu, prior_sigma);
  target += priors_lpdf(scale | scale_prior_family, scale_prior_nu, rep_vector(0, S), scale_prior_sigma);
}

