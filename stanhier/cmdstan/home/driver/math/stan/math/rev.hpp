// Stands in for the whole of stan/math/rev.hpp when the driver is compiled; see prim.hpp beside it.
#ifndef STAN_MATH_REV_HPP
#define STAN_MATH_REV_HPP

#include <stan/math/prim.hpp>
#include <stan/math/rev/core.hpp>
#include <stan/math/rev/meta.hpp>

#include <stan/math/rev/fun/grad.hpp>
#include <stan/math/rev/functor/finite_diff_hessian_auto.hpp>
#include <stan/math/rev/functor/gradient.hpp>

#endif
