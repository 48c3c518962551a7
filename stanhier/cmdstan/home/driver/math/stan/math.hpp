// Stands in for the whole of stan/math.hpp when the driver is compiled; see math/prim.hpp.
#ifndef STAN_MATH_HPP
#define STAN_MATH_HPP

#include <stan/math/rev.hpp>

#endif
