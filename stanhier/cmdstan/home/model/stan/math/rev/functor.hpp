// Stands in for stan/math/rev/functor.hpp when a program without differential or algebraic equations and
// without integrals is compiled: it leaves those solvers out (makefile, SOLVERS), the rest is the same.
#ifndef STAN_MATH_REV_FUNCTOR_HPP
#define STAN_MATH_REV_FUNCTOR_HPP

#include <stan/math/rev/functor/apply_scalar_unary.hpp>
#include <stan/math/rev/functor/apply_scalar_binary.hpp>
#include <stan/math/rev/functor/apply_vector_unary.hpp>
#include <stan/math/rev/functor/gradient.hpp>
#include <stan/math/rev/functor/jacobian.hpp>
#include <stan/math/rev/functor/map_rect_concurrent.hpp>
#include <stan/math/rev/functor/map_rect_reduce.hpp>
#include <stan/math/rev/functor/operands_and_partials.hpp>
#include <stan/math/rev/functor/partials_propagator.hpp>
#include <stan/math/rev/functor/reduce_sum.hpp>
#include <stan/math/rev/functor/finite_diff_hessian_auto.hpp>

#endif
