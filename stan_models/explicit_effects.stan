// Multilevel regression with responses of any family: slopes that vary, and several grouping factors. All effects are
// parameters, in coordinates in which they are nearly independent standard normal whatever their scales are.
//
//   eta[n] = x[n] * location + sum over terms t of z_t[n] * b_t[g_t[n]]
//   b_t[j] ~ multi_normal(0, Lambda_t Lambda_t'),   Lambda_t = diag(sd_t) * (Cholesky factor of the correlations,
//                                                                            block by block)
//   y[n] ~ normal(eta[n], sigma / sqrt(n[n])), binomial(n[n], inv_logit(eta[n])), binomial(n[n], Phi(eta[n])),
//          poisson(n[n] * exp(eta[n])), neg_binomial_2(exp(eta[n]), shape), student_t(nu, eta[n], sigma)
//
// Rows that are alike in all but the response may come as one: binomial rows as sums of successes and trials, Poisson
// rows as sums of counts and exposures, normal rows as weighted means and weights, with what is lost in `counts`.
//
// Coordinates. Near a reference point the rows of level j tell of its effects, given all else, by a log density that is
// quadratic: -b' H_j b / 2 + b' (c_j - C_j phi), and so
//   M_j = I + Lambda' H_j Lambda = L L',   b_j = Lambda inverse(L') (inverse(L) Lambda' (c_j - C_j phi) + zeta_j)
// makes zeta_j standard normal if it is true, for all scales. H, c and C need not be right for the density to be: they
// choose coordinates, no more. Where sigma_hat > 0 they are multiplied by square(sigma_hat / sigma).
//
// Terms of one effect whose levels lie within those of another, `above`, form a chain, as g:h within g. There b_j is
// given its ancestors: with t_j = H_j / (1 + sd^2 H_j) and p the parent of j, from the finest term upwards,
//   H_p += t_j,   c_p += (c_j / H_j + b_hat_p) t_j,
// and from the coarsest downwards c_j -= H_j * (the sum of b - b_hat over all ancestors). H, c and C of terms that have
// finer ones are what rows tell beyond these: 0 as a rule.
//
// The location reaches Stan in coordinates phi, in which it is nearly standard normal; theta = theta_hat +
// prior_rows * phi holds the quantities that have priors. A Student t prior is normal with precision
// lambda * prior_precision, lambda ~ gamma(nu / 2, nu / 2).
//
// Papaspiliopoulos, Roberts & Skoeld (2007), doi:10.1214/088342307000000014 (coordinates between centred and not);
// Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008 (correlations).
functions {
  #include functions/effects.stanfunctions
}
data {
  int<lower=0, upper=5> family; // 0 normal, 1 binomial logit, 2 binomial probit, 3 Poisson log, 4 negative binomial log,
  // 5 Student t
  int<lower=0> N; // rows
  int<lower=0> P; // location parameters
  int<lower=0> T; // terms
  int<lower=T> B; // blocks of correlated effects
  int<lower=T> Qn; // effects of one level of each term
  int<lower=0> Cn; // correlations
  int<lower=0, upper=2> A; // auxiliary parameters: sigma (normal; 0 if it is sigma_known), shape, sigma and nu (1 if nu is
  // known)
  int<lower=0, upper=P> n_t; // Student t priors
  int<lower=0> E; // effects of all levels of all terms
  int<lower=0> I; // numbers in the lower triangles of all H_j
  int<lower=0> K; // columns of effects, without constants
  int<lower=0> D; // numbers in counts
  int<lower=0, upper=1> has_n; // 0: all of n are 1, or the family does not read them
  int<lower=0, upper=1> has_offsets; // 0: all of offsets are 0
  
  array[T] int<lower=1> q; // effects of the term
  array[T] int<lower=1> J; // levels of the term
  array[B] int<lower=1, upper=T> block_term; // ascending
  array[B] int<lower=1> block_size;
  vector<lower=0>[B] eta; // of the LKJ prior
  
  matrix[N, P] X; // in the coordinates phi
  matrix[N, K] Z;
  array[Qn] int<lower=0, upper=K> z_column; // the effects' columns of Z, term by term; 0: the constant 1
  array[T, N] int<lower=1> g;
  int<lower=min(T, 1), upper=T> sorted; // rows are sorted by this term: the largest; 0: there are none
  vector[N] y; // successes, counts, responses or weighted means
  vector<lower=0>[has_n * N] n; // weights, trials, or exposures; families 4 and 5 do not read them
  vector[has_offsets * N] offsets; // part of eta
  vector[P] phi_hat; // x * location is X * (phi_hat + phi)
  vector[D] counts; // normal: numbers of rows, and weighted squares within cells;
  // negative binomial: places x, then weights w, with which w' * log(1 + x / shape) is the sum over all rows of
  // log(1 + k / shape), k = 0, 1 .. y - 1, whatever shape is; Student t: nu, if it is known; other families: none
  
  vector[I] info; // lower triangles of H_j, row by row: term by term, level by level
  vector[E] pulled; // c_j: term by term, level by level, effect by effect
  matrix[P, E] coupling; // C_j'
  array[T] int<lower=0, upper=T> above; // the term within whose levels those of this term lie; 0: not in a chain, or
  // the coarsest
  array[E] int<lower=0, upper=E> parent; // of terms with one above: the position of the parent's effect; 0 else
  vector[E] b_hat; // effects at the reference point; read where terms have finer ones
  real<lower=0> sigma_hat; // sigma at the reference point; 0: H, c and C do not depend on sigma
  
  matrix[P, P] prior_rows;
  vector[P] prior_residual; // theta_hat - mu
  vector<lower=0>[P] prior_precision; // 0: flat
  array[P] int<lower=0, upper=n_t> t_prior; // which lambda multiplies the precision; 0: none
  vector<lower=0>[n_t] t_nu;
  
  // u = u_hat + u_basis * (the last elements of z) holds soft logarithms of the sds, sd = softness * log1p_exp(u), then
  // artanh of the partial correlations, logarithms of the auxiliary parameters, log(lambda).
  vector[Qn + Cn + A + n_t] u_hat;
  matrix[Qn + Cn + A + n_t, Qn + Cn + A + n_t] u_basis;
  vector<lower=0>[Qn] softness;
  real<lower=0> sigma_known;
  
  array[Qn + A] int<lower=0, upper=5> scale_prior_family; // of the sds, and of the auxiliary parameters; codes as in
  // prior.stanfunctions, and 4 gamma(nu, 1 / sigma), 5 lognormal(mu, sigma)
  vector<lower=0>[Qn + A] scale_prior_nu;
  vector[Qn + A] scale_prior_mu; // read for the lognormal alone
  vector<lower=0>[Qn + A] scale_prior_sigma;
}
transformed data {
  array[T > 0 ? J[sorted] + 1 : 0] int first;
  if (T > 0) {
    first = first_rows(g[sorted], J[sorted]);
  }
  check_data(family, g, q, J, block_term, block_size, above, Qn, Cn, A, E, I, D);
  // Densities are told relative to the reference point: where rows are very informative, the digits that are written
  // would all go to a constant otherwise.
  real at_reference = effects_density(rep_vector(0, P + E + Qn + Cn + A + n_t), family, P, q, J, block_term,
                                      block_size, eta, X, Z, z_column, g, sorted, first, y, n, offsets, phi_hat,
                                      counts, info, pulled, coupling, above, parent, b_hat, sigma_hat, prior_rows,
                                      prior_residual, prior_precision, t_prior, t_nu, u_hat, u_basis, softness,
                                      sigma_known, scale_prior_family, scale_prior_nu, scale_prior_mu,
                                      scale_prior_sigma);
}
parameters {
  vector[P + E + Qn + Cn + A + n_t] z; // phi; zeta, term by term, level by level, effect by effect; of u
}
model {
  target += effects_density(z, family, P, q, J, block_term, block_size, eta, X, Z, z_column, g, sorted, first, y, n,
                            offsets, phi_hat, counts, info, pulled, coupling, above, parent, b_hat, sigma_hat,
                            prior_rows, prior_residual, prior_precision, t_prior, t_nu, u_hat, u_basis, softness,
                            sigma_known, scale_prior_family, scale_prior_nu, scale_prior_mu, scale_prior_sigma)
            - at_reference;
}

