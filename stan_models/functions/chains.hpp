// Effects of nested terms from coordinates zeta that are nearly standard normal, and back: what rows tell of an effect
// passes to its parent as far as the effect's own scale does not explain it.
#ifndef STANHIER_CHAINS_HPP
#define STANHIER_CHAINS_HPP

#include <algorithm>
#include <cmath>
#include <vector>

#include "whitening.hpp"

namespace stanhier {
namespace effects {

// The terms that have others above or below them, each with one effect per level.
template <typename Vector>
struct Chains {
  const std::vector<int>&J, &above, &parent;
  const Vector &info, &b_hat;
  std::vector<int> first, first_info;  // of each term: its place among the effects, and in info
  std::vector<int> upwards;            // the terms of chains, finer ones first

  Chains(const std::vector<int>& q, const std::vector<int>& J, const std::vector<int>& above,
         const std::vector<int>& parent, const Vector& info, const Vector& b_hat)
      : J(J), above(above), parent(parent), info(info), b_hat(b_hat) {
    const int T = J.size();
    std::vector<int> depth(T, 0);
    for (int t = 0, at = 0, at_info = 0; t < T; ++t) {
      first.push_back(at);
      first_info.push_back(at_info);
      at += q[t] * J[t];
      at_info += pairs_of(q[t]) * J[t];
      for (int a = above[t]; a > 0 && depth[t] < T; a = above[a - 1]) ++depth[t];
      if (above[t] > 0 || has_finer(t)) upwards.push_back(t);
    }
    std::stable_sort(upwards.begin(), upwards.end(), [&](int s, int t) { return depth[s] > depth[t]; });
  }

  bool has_finer(int t) const { return std::find(above.begin(), above.end(), t + 1) != above.end(); }
  bool contains(int t) const { return std::find(upwards.begin(), upwards.end(), t) != upwards.end(); }

  // With the number of each effect of a term, that of its parent or -1, and its place in info.
  template <typename Call>
  void for_effects(int t, const Call& call) const {
    for (int j = 0; j < J[t]; ++j) {
      const int i = first[t] + j;
      call(i, above[t] > 0 ? parent[i] - 1 : -1, first_info[t] + j);
    }
  }
};

// Numbers for each effect: information and linear term (also from finer terms), 1 + sd^2 information, linear term given
// the ancestors, effect over sd, sum of b - b_hat over effect and ancestors; and adjoints.
struct ChainWork {
  VectorXd H, c, m, c_given, v, shift, adj_H, adj_c, adj_sum, adj_shift;

  void reset(int E) {
    for (VectorXd* x : {&H, &c, &m, &c_given, &v, &shift, &adj_H, &adj_c, &adj_sum, &adj_shift}) x->setZero(E);
  }
};

// Writes the sums of effects and ancestors; lambda(t) is the term's sd.
template <typename Vector, typename Lambda>
double whiten_chains(const Chains<Vector>& chains, const Lambda& lambda, double omega, const VectorXd& rhs,
                     const double* zeta, VectorXd& sums, ChainWork& w) {
  w.reset(rhs.size());
  double lp = 0;
  for (int t : chains.upwards) {
    const double square = lambda(t) * lambda(t);
    chains.for_effects(t, [&](int i, int p, int at_info) {
      w.H[i] += omega * chains.info.coeff(at_info);
      w.c[i] += rhs[i];
      w.m[i] = 1 + square * w.H[i];
      if (p < 0) return;
      w.H[p] += w.H[i] / w.m[i];
      w.c[p] += (w.c[i] + w.H[i] * chains.b_hat.coeff(p)) / w.m[i];
    });
  }
  for (auto t = chains.upwards.rbegin(); t != chains.upwards.rend(); ++t) {
    const double sd = lambda(*t);
    chains.for_effects(*t, [&](int i, int p, int) {
      const double above = p < 0 ? 0 : w.shift[p];
      w.c_given[i] = w.c[i] - w.H[i] * above;
      w.v[i] = sd * w.c_given[i] / w.m[i] + zeta[i] / std::sqrt(w.m[i]);
      w.shift[i] = sd * w.v[i] - chains.b_hat.coeff(i) + above;
      sums[i] = sd * w.v[i] + (p < 0 ? 0 : sums[p]);
      lp -= 0.5 * (w.v[i] * w.v[i] + std::log(w.m[i]));
    });
  }
  return lp;
}

// Adds to adjoints of the sds by add(t, value); gives that of log(omega), but for rhs.
template <typename Vector, typename Lambda, typename Add>
double reverse_chains(const Chains<Vector>& chains, const Lambda& lambda, double omega, const double* zeta,
                      const VectorXd& adj_sums, double* adj_zeta, VectorXd& adj_rhs, ChainWork& w, const Add& add) {
  for (int t : chains.upwards) {
    const double sd = lambda(t);
    double adj_sd = 0;
    chains.for_effects(t, [&](int i, int p, int) {
      if (!chains.has_finer(t)) w.adj_sum[i] = adj_sums[i];
      const double inverse = 1 / w.m[i], root = std::sqrt(inverse), adj_b = w.adj_sum[i] + w.adj_shift[i];
      const double adj_v = sd * adj_b - w.v[i], adj_c = adj_v * sd * inverse;
      const double adj_m = -adj_v * inverse * (sd * w.c_given[i] * inverse + 0.5 * zeta[i] * root) - 0.5 * inverse;
      adj_zeta[i] = adj_v * root;
      adj_sd += adj_b * w.v[i] + adj_v * w.c_given[i] * inverse + 2 * adj_m * sd * w.H[i];
      w.adj_H[i] = adj_m * sd * sd - (p < 0 ? 0 : adj_c * w.shift[p]);
      w.adj_c[i] = adj_c;
      if (p < 0) return;
      w.adj_sum[p] += w.adj_sum[i];
      w.adj_shift[p] += w.adj_shift[i] - adj_c * w.H[i];
    });
    add(t, adj_sd);
  }
  double of_omega = 0;
  for (auto t = chains.upwards.rbegin(); t != chains.upwards.rend(); ++t) {
    const double sd = lambda(*t);
    double adj_sd = 0;
    chains.for_effects(*t, [&](int i, int p, int at_info) {
      if (p >= 0) {
        const double b_hat = chains.b_hat.coeff(p), inverse = 1 / w.m[i];
        const double from_parent = w.adj_H[p] + w.adj_c[p] * b_hat;
        const double adj_m = -(w.adj_H[p] * w.H[i] + w.adj_c[p] * (w.c[i] + w.H[i] * b_hat)) * inverse * inverse;
        w.adj_H[i] += from_parent * inverse + adj_m * sd * sd;
        w.adj_c[i] += w.adj_c[p] * inverse;
        adj_sd += 2 * adj_m * sd * w.H[i];
      }
      adj_rhs[i] = w.adj_c[i];
      of_omega += w.adj_H[i] * omega * chains.info.coeff(at_info);
    });
    add(*t, adj_sd);
  }
  return of_omega;
}

}  // namespace effects
}  // namespace stanhier
#endif
