// The No-U-Turn sampler with the unit metric.
#include "sampling.hpp"

#include <stan/services/sample/hmc_nuts_unit_e.hpp>
#include <stan/services/sample/hmc_nuts_unit_e_adapt.hpp>

namespace driver {

int nuts_unit_e(Sampling& s) {
  using namespace stan::services::sample;
  Run& r = s.run;
  const std::size_t n = s.num_chains;
  if (s.adapt)
    return hmc_nuts_unit_e_adapt(r.model, n, s.init.contexts, r.seed, r.id, s.init.radius, s.num_warmup, s.num_samples,
                                 s.thin, s.save_warmup, r.refresh, s.stepsize, s.stepsize_jitter, s.max_depth, s.delta,
                                 s.gamma, s.kappa, s.t0, r.interrupt, r.console, s.init_writers, s.outputs,
                                 s.diagnostics, s.metrics);
  return hmc_nuts_unit_e(r.model, n, s.init.contexts, r.seed, r.id, s.init.radius, s.num_warmup, s.num_samples, s.thin,
                         s.save_warmup, r.refresh, s.stepsize, s.stepsize_jitter, s.max_depth, r.interrupt, r.console,
                         s.init_writers, s.outputs, s.diagnostics);
}

}  // namespace driver
