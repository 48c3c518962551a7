// Exponentials, logarithms and the tails of the normal distribution without branches, so that loops over them become
// vector instructions. They are within a few units in the last place of the exact values.
#ifndef STANHIER_ELEMENTARY_HPP
#define STANHIER_ELEMENTARY_HPP

#include <cmath>
#include <cstdint>
#include <cstring>

#include "clones.hpp"

namespace stanhier {
namespace effects {

constexpr double kLogSqrt2Pi = 0.9189385332046728, kInvSqrt2Pi = 0.3989422804014327;
// log(2) in two parts: the first has 32 bits, so that its products with small integers are exact.
constexpr double kLog2 = 0.6931471805599453, kLog2High = 0.6931471803691238, kLog2Low = 1.9082149292705877e-10, kInvLog2 = 1.4426950408889634;

STANHIER_INLINE std::uint64_t bits_of(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

STANHIER_INLINE double from_bits(std::uint64_t bits) {
  double x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// a where x has a minus sign, else b. As bits, because conditional expressions become branches, which loops that are to
// be vectors cannot have.
STANHIER_INLINE double if_negative(double x, double a, double b) {
  const std::uint64_t none = (bits_of(x) >> 63) - 1;
  return from_bits((bits_of(a) & ~none) | (bits_of(b) & none));
}

// c0 + x (c1 + x (c2 + ...))
STANHIER_INLINE double polynomial(double, double c) { return c; }

template <typename... More>
STANHIER_INLINE double polynomial(double x, double c, More... more) {
  return c + x * polynomial(x, more...);
}

// The coefficients below are those of expansions in Chebyshev polynomials, sorted by powers; what remains is less than
// 2e-17 of each function.

// exp(x) = 2^k p for x >= -707, from k, the integer nearest to x / log(2), and p = exp(x - k log(2)). Adding
// 1.5 * 2^52 leaves k in the last bits.
struct Exponential {
  double p;
  std::uint64_t k;  // where exponents are in the bits of numbers

  STANHIER_INLINE explicit Exponential(double x) {
    const double shift = 6755399441055744.0, shifted = x * kInvLog2 + shift, nearest = shifted - shift;
    const double r = (x - nearest * kLog2High) - nearest * kLog2Low;
    k = bits_of(shifted) << 52;
    p = polynomial(r, 1.0, 1.0, 0.5000000000000001, 0.1666666666666667, 0.04166666666662416, 0.00833333333332614,
                   0.0013888888917199078, 0.00019841269874802753, 2.4801521319117586e-05, 2.7557255423142986e-06,
                   2.7620077278669185e-07, 2.5105207371376267e-08);
  }
};

// exp(x); below -707 what it is there, 9e-308
STANHIER_INLINE double exponential(double x) {
  x = if_negative(x + 707.0, -707.0, x);
  x = if_negative(710.0 - x, 710.0, x);
  const Exponential f(x);
  return from_bits(bits_of(0.5 * f.p) + f.k) * 2.0;  // 2^(k - 1) is a number also where 2^k is not
}

// The same for x <= 0.
STANHIER_INLINE double decay(double x) {
  const Exponential f(if_negative(x + 707.0, -707.0, x));
  return from_bits(bits_of(f.p) + f.k);
}

// u = 2^exponent mantissa, the mantissa between sqrt(1 / 2) and sqrt(2); u positive and not below 2.3e-308
struct Parts {
  double mantissa, exponent;

  STANHIER_INLINE explicit Parts(double u) {
    const std::uint64_t root_half = bits_of(0.7071067811865476), one = bits_of(1.0);
    const std::uint64_t shifted = bits_of(u) + (one - root_half);
    mantissa = from_bits((shifted & 0x000fffffffffffffULL) + root_half);
    // the exponent as a number: its bits become the last ones of 2^52
    exponent = from_bits((shifted >> 52) | bits_of(4503599627370496.0)) - (4503599627370496.0 + 1023.0);
  }
};

// log(u) + correction, u positive and not below 2.3e-308
STANHIER_INLINE double corrected_log(double u, double correction) {
  const Parts parts(u);
  // log(mantissa) = 2 artanh(s), s between -0.172 and 0.172
  const double f = parts.mantissa - 1.0, s = f / (2.0 + f), k = parts.exponent;
  const double ratio = polynomial(s * s, 1.0, 0.3333333333333335, 0.19999999999949472, 0.1428571431310048,
                                  0.11111105550788603, 0.09091445668118915, 0.0766582689961291, 0.07308614557004524);
  return k * kLog2High + (2.0 * s * ratio + (k * kLog2Low + correction));
}

STANHIER_INLINE double logarithm(double u) { return corrected_log(u, 0.0); }

// log(1 + x), x > -1, also of small x: what 1 + x rounds away comes back as a correction.
STANHIER_INLINE double log_1p(double x) {
  const double u = 1.0 + x;
  return corrected_log(u, (x - (u - 1.0)) / u);
}

// Of eta: log(1 + exp(eta)), and its derivative, the inverse logit. With e = exp(-|eta|) and s = e / (2 + e),
// log(1 + e) = 2 artanh(s), s up to 1 / 3; one division does for s and 1 / (1 + e).
struct Logistic {
  double log_1p_exp, probability;
};

STANHIER_INLINE Logistic logistic(double eta) {
  const double e = decay(-std::fabs(eta)), u = 1.0 + e, v = 2.0 + e;
  const double inverse = 1.0 / (u * v), s = e * u * inverse;
  const double ratio = polynomial(s * s, 1.0, 0.3333333333333333, 0.19999999999999754, 0.14285714285802384,
                                  0.11111111098842484, 0.09090909965532341, 0.07692271412680823, 0.06667601245864876,
                                  0.05866985035753245, 0.05423797420128839, 0.03740843854017388, 0.07824897879935246);
  return {0.5 * (eta + std::fabs(eta)) + 2.0 * s * ratio, v * inverse * if_negative(eta, e, 1.0)};
}

// Of a >= 0: Mills' ratio R = Phi(-a) / phi(a), times a + 5. It is smooth in (a - 5) / (a + 5), up to infinity; the
// expansion leaves 1.3e-16.
STANHIER_INLINE double scaled_mills_ratio(double a) {
  return polynomial((a - 5.0) / (a + 5.0), 1.9280810471531575, -1.667866595188962, 1.241547061573877,
                    -0.7859110755463842, 0.41364471573217226, -0.17325473409133701, 0.05212550242182693,
                    -0.007503282770439648, -0.0019999620670556138, 0.0013658588260150296, -0.00014883252854029768,
                    -0.00012473429411922815, 4.181269707272043e-05, 9.971212523126543e-06, -6.9405498481783575e-06,
                    -8.29951776733244e-07, 1.0865648093633823e-06, 8.984895390080813e-08, -1.6898908396071304e-07,
                    -1.2601401701289641e-08, 2.324918339616538e-08, 1.2681778133106914e-09, -1.968820796668673e-09);
}

// Of eta: log(Phi(-|eta|)), log(Phi(|eta|)), and the ratios of the density to these two probabilities.
struct NormalTails {
  double log_small, log_large, hazard_small, hazard_large;
};

STANHIER_INLINE NormalTails normal_tails(double eta) {
  const double a = std::fabs(eta), exponent = -0.5 * a * a;
  const double ratio = scaled_mills_ratio(a), b = a + 5.0;
  const double density = kInvSqrt2Pi * decay(exponent), small = density * ratio / b;
  return {exponent - kLogSqrt2Pi + logarithm(ratio / b), log_1p(-small), b / ratio, density / (1.0 - small)};
}

}  // namespace effects
}  // namespace stanhier
#endif
