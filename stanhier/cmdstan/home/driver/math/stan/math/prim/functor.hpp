// Stands in for the whole of stan/math/prim/functor.hpp, with its solvers of differential equations; see ../prim.hpp.
#ifndef STAN_MATH_PRIM_FUNCTOR_HPP
#define STAN_MATH_PRIM_FUNCTOR_HPP

#include <stan/math/prim/functor/apply.hpp>
#include <stan/math/prim/functor/apply_scalar_unary.hpp>
#include <stan/math/prim/functor/apply_scalar_binary.hpp>
#include <stan/math/prim/functor/apply_vector_unary.hpp>
#include <stan/math/prim/functor/filter_map.hpp>
#include <stan/math/prim/functor/for_each.hpp>
#include <stan/math/prim/functor/iter_tuple_nested.hpp>
#include <stan/math/prim/functor/make_holder_tuple.hpp>
#include <stan/math/prim/functor/map_if.hpp>
#include <stan/math/prim/functor/tuple_concat.hpp>

#endif
