// The log density of multilevel.stan, with its gradient written out by hand: on the few numbers that compressed rows are,
// automatic differentiation spends most of its time on bookkeeping.
//
// All columns of G but those of the response carry parameters that are integrated out. With E the block-diagonal matrix of
// Lambda_t for each level of the other terms and 1 / sigma for location and response, and the priors' quadratic form added,
//   K = E' G E + priors = [Q r; r' s]  gives  -log|Q| / 2 - (s - r' inverse(Q) r) / 2,
// and its derivative with respect to K is -W / 2: W holds the second moments of (effects, phi, -1), where effects and phi
// have the distribution normal(inverse(Q) r, inverse(Q)) that the rows give them.
#include <stan/math/rev/core.hpp>
#include <stan/math/rev/fun/value_of.hpp>
#include <stan/math/rev/meta.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace stanhier {
namespace multilevel {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Compiled for wider registers too, and chosen when the program starts; neither changes any result, as four numbers are
// added up side by side whatever the register holds.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define STANHIER_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define STANHIER_CLONES
#endif
#define STANHIER_INLINE __attribute__((always_inline)) inline

constexpr int kLanes = 4;
typedef double Lanes __attribute__((vector_size(kLanes * sizeof(double))));

STANHIER_INLINE void load(const double* from, Lanes& to) { std::memcpy(&to, from, sizeof(Lanes)); }

// What lies `stride` apart, from four strata beginning with h; those beyond the last are the last.
STANHIER_INLINE void gather(const double* from, Index stride, int h, int last, Lanes& to) {
  const double *a = from + h * stride, *b = from + std::min(h + 1, last) * stride;
  const double *c = from + std::min(h + 2, last) * stride, *d = from + std::min(h + 3, last) * stride;
  to = Lanes{*a, *b, *c, *d};
}

// A product with a tall or wide matrix of few rows, column by column. Four rows are one step; the last step begins where
// it ends with the last row.
constexpr int kSteps = 6;

STANHIER_INLINE int row_of(int step, int rows) { return std::min(step * kLanes, rows - kLanes); }

template <int Steps>
STANHIER_INLINE void times_steps(const double* matrix, int rows, Index cols, int first, const double* x, double* to) {
  Lanes sums[Steps] = {};
  for (Index c = 0; c < cols; ++c)
    for (int s = 0; s < Steps; ++s) {
      Lanes m;
      load(matrix + c * rows + row_of(first + s, rows), m);
      sums[s] += m * x[c];
    }
  for (int s = 0; s < Steps; ++s) std::memcpy(to + row_of(first + s, rows), &sums[s], sizeof(Lanes));
}

STANHIER_CLONES void times_lanes(const double* matrix, int rows, Index cols, const double* x, double* to) {
  const int steps = (rows + kLanes - 1) / kLanes;
  int s = 0;
  for (; s + kSteps <= steps; s += kSteps) times_steps<kSteps>(matrix, rows, cols, s, x, to);
  switch (steps - s) {
    case 5: return times_steps<5>(matrix, rows, cols, s, x, to);
    case 4: return times_steps<4>(matrix, rows, cols, s, x, to);
    case 3: return times_steps<3>(matrix, rows, cols, s, x, to);
    case 2: return times_steps<2>(matrix, rows, cols, s, x, to);
    case 1: return times_steps<1>(matrix, rows, cols, s, x, to);
  }
}

STANHIER_CLONES void transposed_times_lanes(const double* matrix, int rows, Index cols, const double* x, double* to) {
  const int steps = (rows + kLanes - 1) / kLanes;
  Lanes last;
  load(x + rows - kLanes, last);
  for (int i = 0; i < steps * kLanes - rows; ++i) last[i] = 0;  // counted by the step before
  for (Index c = 0; c < cols; c += kLanes) {
    Lanes sums[kLanes] = {};
    const double* at[kLanes];
    for (int i = 0; i < kLanes; ++i) at[i] = matrix + std::min(c + i, cols - 1) * rows;
    for (int s = 0; s < steps; ++s) {
      const int row = row_of(s, rows);
      Lanes weights;
      load(x + row, weights);
      if (s == steps - 1) weights = last;
      for (int i = 0; i < kLanes; ++i) {
        Lanes m;
        load(at[i] + row, m);
        sums[i] += m * weights;
      }
    }
    for (int i = 0; i < kLanes && c + i < cols; ++i) to[c + i] = (sums[i][0] + sums[i][1]) + (sums[i][2] + sums[i][3]);
  }
}

template <typename Matrix>
void times(const Matrix& matrix, const VectorXd& x, VectorXd& to) {
  to.resize(matrix.rows());
  if (matrix.rows() >= kLanes)
    times_lanes(matrix.data(), matrix.rows(), matrix.cols(), x.data(), to.data());
  else
    to.noalias() = matrix * x;
}

template <typename Matrix>
void transposed_times(const Matrix& matrix, const VectorXd& x, VectorXd& to) {
  to.resize(matrix.cols());
  if (matrix.rows() >= kLanes)
    transposed_times_lanes(matrix.data(), matrix.rows(), matrix.cols(), x.data(), to.data());
  else
    to.noalias() = matrix.transpose() * x;
}

constexpr int pairs_of(int q) { return q * (q + 1) / 2; }

// Room for q x q lanes, all 0. std::vector does not align them for the widest registers.
class Lines {
 public:
  explicit Lines(int q) : memory((q * q + 1) * kLanes) {
    void* at = memory.data();
    std::size_t room = memory.size() * sizeof(double);
    first = static_cast<Lanes*>(std::align(sizeof(Lanes), q * q * sizeof(Lanes), at, room));
  }
  Lines(const Lines&) = delete;

  Lanes& operator[](int k) { return first[k]; }

 private:
  std::vector<double> memory;
  Lanes* first;
};

// Fixed sizes are unrolled; Q = 0 means that the size is known at run time alone.
template <int Q>
using Square = std::conditional_t<(Q > 0), std::array<Lanes, Q * Q>, Lines>;

template <int Q>
Square<Q> square(int q) {
  if constexpr (Q > 0) {
    return {};
  } else {
    return Lines(q);
  }
}

// Of one term: the Cholesky factor of its correlations, that of its covariance over sigma^2, and the adjoint of the latter.
struct Factor {
  MatrixXd correlation, Lambda, adj;

  void reset(int q) {
    correlation.setZero(q, q);
    Lambda.setZero(q, q);
    adj.setZero(q, q);
  }
};

// A block of correlated effects, from partial correlations tanh(y): element j of row i of the factor is tanh(y_ij) times
// the product of 1 / cosh(y_im), m < j. LKJ(eta) makes these partial correlations independent; what it adds to the log
// density of y is weight(j) * log(cosh(y_ij)).
struct CorrelationBlock {
  int start, size;
  double eta;

  double weight(int j) const { return -2 * eta - (size - 2 - j); }

  double fill(const double* y, MatrixXd& factor) const {
    double lp = 0;
    for (int i = 0; i < size; ++i) {
      double left = 1;
      for (int j = 0; j < i; ++j, ++y) {
        factor(start + i, start + j) = left * std::tanh(*y);
        left /= std::cosh(*y);
        lp += weight(j) * (std::fabs(*y) + std::log1p(std::exp(-2 * std::fabs(*y))));
      }
      factor(start + i, start + i) = left;
    }
    return lp;
  }

  // The adjoint of y from that of the factor, which `adj` gives by row and column; with that of what `fill` returns.
  template <typename Adjoint>
  void reverse(const double* y, const MatrixXd& factor, const Adjoint& adj, double* adj_y) const {
    for (int i = 1; i < size; y += i, adj_y += i, ++i) {
      double left = 1;
      for (int j = 0; j < i; ++j) {
        const double sech = 1 / std::cosh(y[j]);
        adj_y[j] = adj(start + i, start + j) * left * sech * sech;
        left *= sech;
      }
      double later = adj(start + i, start + i) * factor(start + i, start + i);
      for (int j = i - 1; j >= 0; --j) {
        adj_y[j] += (weight(j) - later) * std::tanh(y[j]);
        later += adj(start + i, start + j) * factor(start + i, start + j);
      }
    }
  }
};

// The soft logarithm u of a relative sd: sd / sigma = softness * log(1 + exp(u)).
struct SoftLogarithm {
  double ratio, slope, log_sigmoid, one_minus_sigmoid;

  SoftLogarithm(double u, double softness) {
    const double t = std::exp(-std::fabs(u)), log1p_t = std::log1p(t);
    const double small = t / (1 + t), large = 1 / (1 + t);
    ratio = softness * (std::max(u, 0.0) + log1p_t);
    slope = softness * (u > 0 ? large : small);
    log_sigmoid = std::min(u, 0.0) - log1p_t;
    one_minus_sigmoid = u > 0 ? small : large;
  }
};

// The log density of a scale x, in units of its prior, and its derivative; families as in prior.stanfunctions.
struct ScalePrior {
  double value = 0, slope = 0;

  ScalePrior(int family, double nu, double x) {
    if (family == 1) {
      value = -0.5 * x * x;
      slope = -x;
    } else if (family == 2) {
      value = -0.5 * (nu + 1) * std::log1p(x * x / nu);
      slope = -(nu + 1) * x / (nu + x * x);
    } else if (family == 3) {
      value = -x;
      slope = -1;
    }
  }
};

// The strata's R, and for each the packed lower triangle of inverse(V), its determinant, and the adjoint of the former.
template <typename Matrix, typename Vector>
struct Strata {
  const Matrix& R;
  const Vector& n_groups;

  int size() const { return n_groups.size(); }

  template <int Q>
  STANHIER_INLINE void load(int h, int q, Square<Q>& r) const {
    for (int l = 0; l < q; ++l)
      for (int k = 0; k <= l; ++k) gather(R.data() + l * R.rows() + k, q, h, size() - 1, r[k * q + l]);
  }

  template <int Q>
  STANHIER_CLONES void invert(int q_given, const MatrixXd& Lambda, double* v_inv, double* det) const {
    const int q = Q > 0 ? Q : q_given, pairs = pairs_of(q);
    const MatrixXd Sigma = Lambda * Lambda.transpose();
    Square<Q> r = square<Q>(q), v = square<Q>(q), inverse = square<Q>(q), work = square<Q>(q);
    for (int h = 0; h < size(); h += kLanes) {
      load<Q>(h, q, r);
      for (int k = 0; k < q; ++k)
        for (int l = 0; l < q; ++l) {
          Lanes sum = {};
          for (int m = k; m < q; ++m) sum += r[k * q + m] * Sigma(m, l);
          work[k * q + l] = sum;
        }
      for (int k = 0; k < q; ++k)
        for (int l = 0; l <= k; ++l) {
          Lanes sum = {};
          for (int m = l; m < q; ++m) sum += work[k * q + m] * r[l * q + m];
          v[k * q + l] = sum;
        }
      Lanes d;
      if constexpr (Q == 1) {
        d = 1 + v[0];
        inverse[0] = 1 / d;
      } else if constexpr (Q == 2) {  // a sum of squares: no cancellation, however large Lambda is or near to singular
        const Lanes root = r[0] * r[3] * (Lambda(0, 0) * Lambda(1, 1));
        d = 1 + v[0] + v[3] + root * root;
        inverse[0] = (1 + v[3]) / d;
        inverse[2] = -v[2] / d;
        inverse[3] = (1 + v[0]) / d;
      } else {
        invert_one<Q>(q, v, work, inverse, d);
      }
      for (int i = 0; i < std::min(kLanes, size() - h); ++i) {
        det[h + i] = d[i];
        double* to = v_inv + static_cast<Index>(h + i) * pairs;
        for (int k = 0; k < q; ++k)
          for (int l = 0; l <= k; ++l) *to++ = inverse[k * q + l][i];
      }
    }
  }

  // The inverse of 1 + v by its factors L D L'; v and d are overwritten. Makes `det` the determinant.
  template <int Q>
  STANHIER_INLINE static void invert_one(int q_given, Square<Q>& v, Square<Q>& d, Square<Q>& inverse, Lanes& det) {
    const int q = Q > 0 ? Q : q_given;
    det = Lanes{} + 1;
    for (int j = 0; j < q; ++j) {
      Lanes pivot = 1 + v[j * q + j];
      for (int m = 0; m < j; ++m) pivot -= v[j * q + m] * v[j * q + m] * d[m];
      for (int i = j + 1; i < q; ++i) {
        for (int m = 0; m < j; ++m) v[i * q + j] -= v[i * q + m] * v[j * q + m] * d[m];
        v[i * q + j] /= pivot;
      }
      d[j] = pivot;
      det *= pivot;
    }
    for (int j = 0; j < q; ++j)  // the inverse of L, whose diagonal is 1, in its place
      for (int i = j + 1; i < q; ++i) {
        for (int m = j + 1; m < i; ++m) v[i * q + j] += v[i * q + m] * v[m * q + j];
        v[i * q + j] = -v[i * q + j];
      }
    for (int k = 0; k < q; ++k)
      for (int l = 0; l <= k; ++l) {
        Lanes sum = (l == k ? Lanes{} + 1 : v[k * q + l]) / d[k];
        for (int m = k + 1; m < q; ++m) sum += v[m * q + k] * v[m * q + l] / d[m];
        inverse[k * q + l] = sum;
      }
  }

  // The sum over the groups of R' inverse(V) (E - V) inverse(V) R, E being the adjoint of inverse(V): its entry k, l with
  // k > l, which stands for two, comes as the sum of both.
  template <int Q>
  STANHIER_CLONES void reverse(int q_given, const double* v_inv, const double* adj_v_inv, MatrixXd& result) const {
    const int q = Q > 0 ? Q : q_given, pairs = pairs_of(q);
    Square<Q> r = square<Q>(q), v = square<Q>(q), a = square<Q>(q), c = square<Q>(q), ac = square<Q>(q);
    Square<Q> total = square<Q>(q);
    for (int h = 0; h < size(); h += kLanes) {
      load<Q>(h, q, r);
      const int last = size() - 1;
      const Lanes inside = {1, h + 1 <= last ? 1.0 : 0.0, h + 2 <= last ? 1.0 : 0.0, h + 3 <= last ? 1.0 : 0.0};
      Lanes n;
      gather(n_groups.data(), 1, h, last, n);
      n *= inside;
      for (int k = 0, p = 0; k < q; ++k)
        for (int l = 0; l <= k; ++l, ++p) {
          Lanes& to = a[k * q + l];
          gather(v_inv + p, pairs, h, last, v[k * q + l]);
          gather(adj_v_inv + p, pairs, h, last, to);
          to *= k == l ? inside : 0.5 * inside;
          v[l * q + k] = v[k * q + l];
          a[l * q + k] = to;
        }
      for (int k = 0; k < q; ++k)
        for (int l = 0; l < q; ++l) {
          c[k * q + l] = v[k * q] * r[l];
          for (int m = 1; m <= l; ++m) c[k * q + l] += v[k * q + m] * r[m * q + l];
        }
      for (int k = 0; k < q; ++k)
        for (int l = 0; l < q; ++l) {
          ac[k * q + l] = a[k * q] * c[l];
          for (int m = 1; m < q; ++m) ac[k * q + l] += a[k * q + m] * c[m * q + l];
        }
      for (int k = 0; k < q; ++k)
        for (int l = 0; l <= k; ++l) {
          for (int m = 0; m < q; ++m) total[k * q + l] += c[m * q + k] * ac[m * q + l];
          for (int m = 0; m <= k; ++m) total[k * q + l] -= n * r[m * q + k] * c[m * q + l];
        }
    }
    for (int k = 0; k < q; ++k)
      for (int l = 0; l <= k; ++l) {
        const Lanes& t = total[k * q + l];
        result(k, l) = result(l, k) = (t[0] + t[1]) + (t[2] + t[3]);
      }
  }
};

// What the density is made of: the data block of the program.
template <typename Matrix, typename Vector>
struct Data {
  const Vector& u_hat;
  const Matrix& u_basis;
  const Vector& softness;
  double sigma_known;
  int N, P, S;
  const std::vector<int>&q, &J;
  int e;
  const std::vector<int>&block_term, &block_size;
  const Vector& eta;
  const std::vector<int>& scale_prior_family;
  const Vector &scale_prior_nu, &scale_prior_sigma;
  const Matrix& G0;
  Strata<Matrix, Vector> strata;
  const Matrix& moments;
  const Matrix& prior_rows;
  const Vector &prior_residual, &prior_precision;
  const std::vector<int>& t_prior;
  const Vector& t_nu;
  const Matrix& fixed_prior;
};

// Memory that one gradient leaves to the next.
struct Work {
  VectorXd z, u, adj_u, adj_z, v_inv, det, adj_v_inv, packed, mu, row;
  MatrixXd GE, GE_transposed, K, L_inv, W, EW;
  std::vector<SoftLogarithm> soft;
  std::vector<Factor> factors;
  std::vector<CorrelationBlock> blocks;
};

template <typename Matrix, typename Vector>
class Density {
 public:
  Density(const Data<Matrix, Vector>& data, Work& work)
      : d(data), w(work), C(data.G0.rows()), m(C - 1), M(m - data.P), e(data.e - 1), q_e(data.q[e]),
        Qn(data.softness.size()), Cn(data.u_hat.size() - Qn - data.S - data.t_nu.size()) {}

  double value(const VectorXd& z) {
    w.u = d.u_hat;
    w.u.noalias() += d.u_basis * z;
    log_sigma = d.S == 1 ? w.u[Qn + Cn] : std::log(d.sigma_known);
    sigma = std::exp(log_sigma);
    const double lp = parameters() + eliminate() + integrate();
    if (!std::isfinite(lp)) throw std::domain_error("multilevel_density: a scale is too large for numbers.");
    return lp;
  }

  // The derivative of what `value` has just given.
  const VectorXd& gradient() {
    w.adj_u.setZero(w.u.size());
    second_moments();
    reverse_location();
    reverse_effects();
    reverse_eliminated();
    reverse_parameters();
    w.adj_z.noalias() = d.u_basis.transpose() * w.adj_u;
    return w.adj_z;
  }

 private:
  const Data<Matrix, Vector>& d;
  Work& w;
  const int C, m, M, e, q_e, Qn, Cn;
  double log_sigma = 0, sigma = 0, squares = 0;

  // Lambda of all terms; the priors of scales and correlations, and the Jacobians.
  double parameters() {
    w.factors.resize(d.q.size());
    for (std::size_t t = 0; t < d.q.size(); ++t) w.factors[t].reset(d.q[t]);
    double lp = correlations();
    w.soft.clear();
    for (int k = 0; k < Qn; ++k) {
      w.soft.emplace_back(w.u[k], d.softness.coeff(k));
      lp += w.soft[k].log_sigmoid + scale_prior(k, w.soft[k].ratio * sigma).value;
    }
    if (d.S == 1) lp += (Qn + 1) * log_sigma + scale_prior(Qn, sigma).value;
    for (int t = 0, k = 0; t < int(d.q.size()); ++t)
      for (int i = 0; i < d.q[t]; ++i, ++k)
        w.factors[t].Lambda.row(i) = w.soft[k].ratio * w.factors[t].correlation.row(i);
    return lp;
  }

  double correlations() {
    w.blocks.clear();
    double lp = 0;
    const double* y = w.u.data() + Qn;
    for (std::size_t b = 0; b < d.block_size.size(); ++b) {
      const bool first = b == 0 || d.block_term[b] != d.block_term[b - 1];
      const int start = first ? 0 : w.blocks[b - 1].start + w.blocks[b - 1].size, size = d.block_size[b];
      w.blocks.push_back({start, size, d.eta.coeff(b)});
      lp += w.blocks[b].fill(y, w.factors[d.block_term[b] - 1].correlation);
      y += pairs_of(size - 1);
    }
    return lp;
  }

  ScalePrior scale_prior(int k, double scale) const {
    return {d.scale_prior_family[k], d.scale_prior_nu.coeff(k), scale / d.scale_prior_sigma.coeff(k)};
  }

  // G, and the part of the density that does not depend on it.
  double eliminate() {
    const int H = d.strata.size(), pairs = pairs_of(q_e);
    w.v_inv.resize(H * pairs);
    w.det.resize(H);
    with_size([&](auto size) {
      d.strata.template invert<decltype(size)::value>(q_e, w.factors[e].Lambda, w.v_inv.data(), w.det.data());
    });
    times(d.moments, w.v_inv, w.packed);
    w.GE = d.G0;
    const double* at = w.packed.data();
    for (int k = 0; k < C; ++k) {
      for (int l = 0; l < k; ++l, ++at) {
        w.GE(k, l) += *at;
        w.GE(l, k) = w.GE(k, l);
      }
      w.GE(k, k) += *at++;
    }
    return -d.N * log_sigma - 0.5 * (w.det.array().log() * d.strata.n_groups.array()).sum();
  }

  template <typename Call>
  void with_size(const Call& call) const {
    switch (q_e) {
      case 1: return call(std::integral_constant<int, 1>());
      case 2: return call(std::integral_constant<int, 2>());
      case 3: return call(std::integral_constant<int, 3>());
      case 4: return call(std::integral_constant<int, 4>());
      case 5: return call(std::integral_constant<int, 5>());
      default: return call(std::integral_constant<int, 0>());
    }
  }

  // Calls with each block of columns that the effects of one level have: its first column, and the factor.
  template <typename Call>
  void for_levels(const Call& call) const {
    int at = 0;
    for (int t = 0; t < int(d.q.size()); ++t)
      for (int j = 0; t != e && j < d.J[t]; ++j, at += d.q[t]) call(at, w.factors[t]);
  }

  // X E
  void times_E(MatrixXd& X) const {
    for_levels([&](int at, Factor& f) {
      const int q = f.Lambda.rows();
      for (int k = 0; k < q; ++k) {
        X.col(at + k) *= f.Lambda(k, k);
        for (int l = k + 1; l < q; ++l) X.col(at + k) += f.Lambda(l, k) * X.col(at + l);
      }
    });
    X.rightCols(C - M) /= sigma;
  }

  // X E'
  void times_E_transposed(MatrixXd& X) const {
    for_levels([&](int at, Factor& f) {
      for (int k = f.Lambda.rows() - 1; k >= 0; --k) {
        X.col(at + k) *= f.Lambda(k, k);
        for (int l = 0; l < k; ++l) X.col(at + k) += f.Lambda(k, l) * X.col(at + l);
      }
    });
    X.rightCols(C - M) /= sigma;
  }

  double lambda(int i) const { return std::exp(w.u[Qn + Cn + d.S + i]); }

  // A row whose product with (phi, -1) is how far theta_k is from the centre of its prior.
  const VectorXd& prior_row(int k) const {
    w.row.resize(d.P + 1);
    w.row.head(d.P) = d.prior_rows.row(k);
    w.row[d.P] = -d.prior_residual.coeff(k);
    return w.row;
  }

  // Integrates the other terms' effects and the location out; the priors of the precisions lambda.
  double integrate() {
    times_E(w.GE);
    w.GE_transposed = w.GE.transpose();
    w.K = w.GE_transposed;
    times_E(w.K);
    w.K.diagonal().head(M).array() += 1;
    auto last = w.K.bottomRightCorner(C - M, C - M);
    last += d.fixed_prior;
    double lp = 0;
    for (int k = 0; k < d.P; ++k)
      if (d.t_prior[k] > 0) {
        const VectorXd& row = prior_row(k);
        last.noalias() += lambda(d.t_prior[k] - 1) * d.prior_precision.coeff(k) * row * row.transpose();
        lp += 0.5 * w.u[Qn + Cn + d.S + d.t_prior[k] - 1];
      }
    for (int i = 0; i < d.t_nu.size(); ++i) lp += 0.5 * d.t_nu.coeff(i) * (w.u[Qn + Cn + d.S + i] - lambda(i));
    Eigen::Ref<MatrixXd> Q = w.K.topLeftCorner(m, m);
    const Eigen::LLT<Eigen::Ref<MatrixXd>> factorised(Q);
    if (factorised.info() != Eigen::Success)
      throw std::domain_error("multilevel_density: rows and priors do not determine the location.");
    w.mu = w.K.col(m).head(m);
    Q.triangularView<Eigen::Lower>().solveInPlace(w.mu);
    squares = w.K(m, m) - w.mu.squaredNorm();
    for (int k = 0; k < m; ++k) lp -= std::log(Q(k, k));
    return lp - 0.5 * squares;
  }

  void second_moments() {
    const auto L = w.K.topLeftCorner(m, m);
    L.template triangularView<Eigen::Lower>().transpose().solveInPlace(w.mu);
    w.L_inv.resize(m, m);
    w.W.resize(C, C);
    for (int j = 0; j < m; ++j) {
      auto x = w.L_inv.col(j);
      x[j] = 1 / L(j, j);
      x.tail(m - j - 1) = -x[j] * L.col(j).tail(m - j - 1);
      for (int k = j + 1; k < m; ++k) {
        x[k] /= L(k, k);
        x.tail(m - k - 1) -= x[k] * L.col(k).tail(m - k - 1);
      }
    }
    for (int j = 0; j < m; ++j) {
      for (int i = j; i < m; ++i)
        w.W(i, j) = w.W(j, i) = w.L_inv.col(i).tail(m - i).dot(w.L_inv.col(j).tail(m - i)) + w.mu[i] * w.mu[j];
      w.W(j, m) = w.W(m, j) = -w.mu[j];
    }
    w.W(m, m) = 1;
  }

  void reverse_location() {
    const auto last = w.W.bottomRightCorner(C - M, C - M);
    double from_priors = last.cwiseProduct(d.fixed_prior).sum();
    for (int k = 0; k < d.P; ++k)
      if (d.t_prior[k] > 0) {
        const VectorXd& row = prior_row(k);
        const int i = d.t_prior[k] - 1;
        const double part = lambda(i) * d.prior_precision.coeff(k) * row.dot(last * row);
        from_priors += part;
        w.adj_u[Qn + Cn + d.S + i] += 0.5 - 0.5 * part;
      }
    for (int i = 0; i < d.t_nu.size(); ++i) w.adj_u[Qn + Cn + d.S + i] += 0.5 * d.t_nu.coeff(i) * (1 - lambda(i));
    // the trace of K W over location and response is P + squares
    if (d.S == 1) w.adj_u[Qn + Cn] = d.P + squares - from_priors - d.N;
  }

  void reverse_effects() {
    for_levels([&](int at, Factor& f) {
      MatrixXd& adj = f.adj;
      for (int k = 0; k < adj.rows(); ++k)
        for (int l = 0; l <= k; ++l) adj(k, l) -= w.GE_transposed.col(at + k).dot(w.W.col(at + l));
    });
  }

  void reverse_eliminated() {
    w.EW = w.W;
    times_E_transposed(w.EW);
    w.W = w.EW.transpose();
    times_E_transposed(w.W);
    double* at = w.packed.data();
    for (int k = 0; k < C; ++k) {
      for (int l = 0; l < k; ++l) *at++ = 2 * w.W(l, k);
      *at++ = w.W(k, k);
    }
    transposed_times(d.moments, w.packed, w.adj_v_inv);
    with_size([&](auto size) {
      d.strata.template reverse<decltype(size)::value>(q_e, w.v_inv.data(), w.adj_v_inv.data(), w.factors[e].adj);
    });
    w.factors[e].adj *= w.factors[e].Lambda;
  }

  void reverse_parameters() {
    int k = 0;
    for (const Factor& f : w.factors)
      for (int i = 0; i < f.adj.rows(); ++i, ++k) {
        const SoftLogarithm& s = w.soft[k];
        const ScalePrior prior = scale_prior(k, s.ratio * sigma);
        const double adj_sd = prior.slope / d.scale_prior_sigma.coeff(k);
        const double adj_ratio = f.adj.row(i).head(i + 1).dot(f.correlation.row(i).head(i + 1)) + sigma * adj_sd;
        w.adj_u[k] = adj_ratio * s.slope + s.one_minus_sigmoid;
        if (d.S == 1) w.adj_u[Qn + Cn] += 1 + adj_sd * s.ratio * sigma;
      }
    if (d.S == 1) w.adj_u[Qn + Cn] += 1 + scale_prior(Qn, sigma).slope * sigma / d.scale_prior_sigma.coeff(Qn);
    int first = 0, at = Qn;
    for (std::size_t b = 0; b < w.blocks.size(); ++b) {
      const CorrelationBlock& block = w.blocks[b];
      const Factor& f = w.factors[d.block_term[b] - 1];
      const int offset = first - block.start;
      const auto adj = [&](int i, int j) { return w.soft[offset + i].ratio * f.adj(i, j); };
      block.reverse(w.u.data() + at, f.correlation, adj, w.adj_u.data() + at);
      first += block.size;
      at += pairs_of(block.size - 1);
    }
  }
};

}  // namespace multilevel
}  // namespace stanhier

// The parameters z arrive as a vector of their own, or, from later versions of Stan's compiler, as a view of all
// parameters.
template <typename Z, typename Matrix, typename Vector>
stan::return_type_t<Z> multilevel_density(
    const Z& z, const Vector& u_hat, const Matrix& u_basis, const Vector& softness, double sigma_known, int N, int P, int S,
    const std::vector<int>& q, const std::vector<int>& J, int e, const std::vector<int>& block_term,
    const std::vector<int>& block_size, const Vector& eta, const std::vector<int>& scale_prior_family,
    const Vector& scale_prior_nu, const Vector& scale_prior_sigma, const Matrix& G0, const Vector& n_groups, const Matrix& R,
    const Matrix& moments, const Matrix& prior_rows, const Vector& prior_residual, const Vector& prior_precision,
    const std::vector<int>& t_prior, const Vector& t_nu, const Matrix& fixed_prior, std::ostream*) {
  thread_local stanhier::multilevel::Work work;
  const stanhier::multilevel::Data<Matrix, Vector> data{
      u_hat, u_basis, softness, sigma_known, N, P, S, q, J, e, block_term, block_size, eta, scale_prior_family,
      scale_prior_nu, scale_prior_sigma, G0, {R, n_groups}, moments, prior_rows, prior_residual, prior_precision, t_prior,
      t_nu, fixed_prior};
  stanhier::multilevel::Density<Matrix, Vector> density(data, work);
  work.z = stan::math::value_of(z);
  const double lp = density.value(work.z);
  if constexpr (!stan::is_var<stan::return_type_t<Z>>::value) {
    return lp;
  } else {
    stan::math::arena_matrix<Eigen::Matrix<stan::math::var, Eigen::Dynamic, 1>> kept = z;
    stan::math::arena_matrix<Eigen::VectorXd> adj_z = density.gradient();
    return stan::math::make_callback_var(lp, [kept, adj_z](auto& vi) mutable {
      for (Eigen::Index k = 0; k < adj_z.size(); ++k) kept.coeffRef(k).adj() += vi.adj() * adj_z.coeff(k);
    });
  }
}
