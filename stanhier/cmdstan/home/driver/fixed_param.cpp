// The sampler that leaves the parameters where they are.
#include "sampling.hpp"

#include <stan/services/sample/fixed_param.hpp>

namespace driver {

int fixed_param(Sampling& s) {
  Run& r = s.run;
  return stan::services::sample::fixed_param(r.model, s.num_chains, s.init.contexts, r.seed, r.id, s.init.radius,
                                             s.num_samples, s.thin, r.refresh, r.interrupt, r.console, s.init_writers,
                                             s.outputs, s.diagnostics);
}

}  // namespace driver
