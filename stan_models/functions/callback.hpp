// A log density whose gradient was made beside it, as Stan takes it.
#ifndef STANHIER_CALLBACK_HPP
#define STANHIER_CALLBACK_HPP

#include <stan/math/rev/core.hpp>
#include <stan/math/rev/meta.hpp>

namespace stanhier {

// `gradient` gives the derivative by z, which is asked for where Stan wants it. z may be a vector of its own, or, from
// later versions of Stan's compiler, a view of all parameters.
template <typename Z, typename Gradient>
stan::return_type_t<Z> with_gradient(const Z& z, double lp, const Gradient& gradient) {
  if constexpr (!stan::is_var<stan::return_type_t<Z>>::value) {
    return lp;
  } else {
    stan::math::arena_matrix<Eigen::Matrix<stan::math::var, Eigen::Dynamic, 1>> kept = z;
    stan::math::arena_matrix<Eigen::VectorXd> adj_z = gradient();
    return stan::math::make_callback_var(lp, [kept, adj_z](auto& vi) mutable {
      const double adj = vi.adj();
      for (Eigen::Index k = 0; k < adj_z.size(); ++k) kept.coeffRef(k).adj() += adj * adj_z.coeff(k);
    });
  }
}

}  // namespace stanhier
#endif
