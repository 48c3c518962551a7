// Stands in for the whole of stan/math/rev/functor.hpp; see ../prim.hpp.
#ifndef STAN_MATH_REV_FUNCTOR_HPP
#define STAN_MATH_REV_FUNCTOR_HPP

#include <stan/math/rev/functor/gradient.hpp>

#endif
