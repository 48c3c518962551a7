// Functions that are compiled for several widths of registers; which of them runs is chosen when the program starts.
#ifndef STANHIER_CLONES_HPP
#define STANHIER_CLONES_HPP

// STANHIER_CLONES is for sums of four numbers side by side, which no width changes; STANHIER_WIDE_CLONES for loops over
// many rows, whose last digit may change where products and sums are fused.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define STANHIER_CLONES __attribute__((target_clones("avx2", "default")))
#define STANHIER_WIDE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define STANHIER_CLONES
#define STANHIER_WIDE_CLONES
#endif
#define STANHIER_INLINE __attribute__((always_inline)) inline

#endif
