// Stands in for the whole of stan/math/mix.hpp when the driver is compiled; see prim.hpp beside it.
#ifndef STAN_MATH_MIX_HPP
#define STAN_MATH_MIX_HPP

#include <stan/math/rev.hpp>

#endif
