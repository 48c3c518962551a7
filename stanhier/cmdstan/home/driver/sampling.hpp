// What all samplers share: settings, inputs and writers of every chain of this process.
#ifndef DRIVER_SAMPLING_HPP
#define DRIVER_SAMPLING_HPP

#include "run.hpp"

namespace driver {

struct Sampling {
  Run& run;
  int num_chains;
  Init init;
  int num_samples;
  int num_warmup;
  int thin;
  bool save_warmup;
  bool adapt;
  double delta;
  double gamma;
  double kappa;
  double t0;
  unsigned int init_buffer;
  unsigned int term_buffer;
  unsigned int window;
  std::vector<ContextPtr> inv_metric;  // empty: start from the unit metric
  double stepsize;
  double stepsize_jitter;
  int max_depth;
  double int_time;
  std::vector<CsvWriter> init_writers;
  std::vector<CsvWriter> outputs;
  std::vector<CsvWriter> diagnostics;
  std::vector<JsonWriter> metrics;

  explicit Sampling(Run& run);
};

int nuts_unit_e(Sampling& s);
int nuts_diag_e(Sampling& s);
int nuts_dense_e(Sampling& s);
int static_hmc(Sampling& s, const std::string& metric);
int fixed_param(Sampling& s);

}  // namespace driver

#endif
