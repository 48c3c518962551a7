// The eliminated term, stratum by stratum: V = I + R Lambda Lambda' R' and its inverse, q x q, of four strata at once.
#ifndef STANHIER_STRATA_HPP
#define STANHIER_STRATA_HPP

#include "covariance.hpp"
#include "lanes.hpp"

namespace stanhier {
namespace multilevel {

// The strata's R, and for each the packed lower triangle of inverse(V), its determinant, and the adjoint of the former.
template <typename Matrix, typename Vector>
struct Strata {
  const Matrix& R;
  const Vector& n_groups;

  int size() const { return n_groups.size(); }

  template <int Q>
  STANHIER_INLINE void load_R(int h, int q, Square<Q>& r) const {
    for (int l = 0; l < q; ++l)
      for (int k = 0; k <= l; ++k) gather(R.data() + l * R.rows() + k, q, h, size() - 1, r[k * q + l]);
  }

  template <int Q>
  STANHIER_CLONES void invert(int q_given, const MatrixXd& Lambda, const MatrixXd& Sigma, double* v_inv,
                              double* det) const {
    const int q = Q > 0 ? Q : q_given, pairs = pairs_of(q);
    Square<Q> r = square<Q>(q), v = square<Q>(q), inverse = square<Q>(q), work = square<Q>(q);
    for (int h = 0; h < size(); h += kLanes) {
      load_R<Q>(h, q, r);
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
        d = 1.0 + v[0];
        inverse[0] = 1.0 / d;
      } else if constexpr (Q == 2) {  // a sum of squares: no cancellation, however large Lambda is or near to singular
        const Lanes root = r[0] * r[3] * (Lambda(0, 0) * Lambda(1, 1));
        d = 1.0 + v[0] + v[3] + root * root;
        inverse[0] = (1.0 + v[3]) / d;
        inverse[2] = -v[2] / d;
        inverse[3] = (1.0 + v[0]) / d;
      } else {
        invert_by_factors<Q>(q, v, work, inverse, d);
      }
      for (int i = 0; i < std::min(kLanes, size() - h); ++i) {
        det[h + i] = d[i];
        double* to = v_inv + static_cast<Index>(h + i) * pairs;
        for (int k = 0; k < q; ++k)
          for (int l = 0; l <= k; ++l) *to++ = inverse[k * q + l][i];
      }
    }
  }

  // The inverse of 1 + v by its factors L D L', and the determinant; v is overwritten, d gets D and after it 1 / D.
  template <int Q>
  STANHIER_INLINE static void invert_by_factors(int q_given, Square<Q>& v, Square<Q>& d, Square<Q>& inverse,
                                                Lanes& det) {
    const int q = Q > 0 ? Q : q_given;
    det = Lanes{} + 1.0;
    for (int j = 0; j < q; ++j) {
      Lanes pivot = 1.0 + v[j * q + j];
      for (int m = 0; m < j; ++m) pivot -= v[j * q + m] * v[j * q + m] * d[m];
      d[j] = pivot;
      d[q + j] = 1.0 / pivot;
      det *= pivot;
      for (int i = j + 1; i < q; ++i) {
        for (int m = 0; m < j; ++m) v[i * q + j] -= v[i * q + m] * v[j * q + m] * d[m];
        v[i * q + j] *= d[q + j];
      }
    }
    for (int j = 0; j < q; ++j)  // the inverse of L, whose diagonal is 1, in its place
      for (int i = j + 1; i < q; ++i) {
        for (int m = j + 1; m < i; ++m) v[i * q + j] += v[i * q + m] * v[m * q + j];
        v[i * q + j] = -v[i * q + j];
      }
    for (int k = 0; k < q; ++k)
      for (int l = 0; l <= k; ++l) {
        Lanes sum = d[q + k];
        if (l < k) sum *= v[k * q + l];
        for (int m = k + 1; m < q; ++m) sum += v[m * q + k] * v[m * q + l] * d[q + m];
        inverse[k * q + l] = sum;
      }
  }

  // The sum over the strata of R' inverse(V) (E - n V) inverse(V) R, E being the adjoint of inverse(V) but for a factor
  // of -1/2: its entry k, l with k > l, which stands for two, comes as the sum of both.
  template <int Q>
  STANHIER_CLONES void reverse(int q_given, const double* v_inv, const double* adj_v_inv, MatrixXd& result) const {
    const int q = Q > 0 ? Q : q_given, pairs = pairs_of(q);
    Square<Q> r = square<Q>(q), v = square<Q>(q), a = square<Q>(q), c = square<Q>(q), ac = square<Q>(q);
    Square<Q> total = square<Q>(q);
    for (int h = 0; h < size(); h += kLanes) {
      load_R<Q>(h, q, r);
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

}  // namespace multilevel
}  // namespace stanhier
#endif
