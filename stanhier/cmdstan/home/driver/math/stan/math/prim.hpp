// Stands in for the whole of stan/math/prim.hpp when the driver is compiled, which uses little of it:
// parsing all of it would take most of the time of building a home. Programs see the real one.
#ifndef STAN_MATH_PRIM_HPP
#define STAN_MATH_PRIM_HPP

#include <stan/math/prim/core.hpp>
#include <stan/math/prim/err.hpp>
#include <stan/math/prim/fun/Eigen.hpp>
#include <stan/math/prim/meta.hpp>

#include <stan/math/prim/fun/constants.hpp>
#include <stan/math/prim/fun/expm1.hpp>
#include <stan/math/prim/fun/log_sum_exp.hpp>
#include <stan/math/prim/fun/square.hpp>
#include <stan/math/prim/fun/sum.hpp>
#include <stan/math/prim/fun/to_matrix.hpp>
#include <stan/math/prim/fun/welford_covar_estimator.hpp>
#include <stan/math/prim/fun/welford_var_estimator.hpp>
#include <stan/math/prim/prob/normal_rng.hpp>
#include <stan/math/prim/prob/std_normal_rng.hpp>

// What the services rely on the whole of it to bring along.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <iomanip>

#endif
