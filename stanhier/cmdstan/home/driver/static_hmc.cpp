// Hamiltonian Monte Carlo with a fixed integration time; one chain.
#include "sampling.hpp"

#include <stan/services/sample/hmc_static_dense_e.hpp>
#include <stan/services/sample/hmc_static_dense_e_adapt.hpp>
#include <stan/services/sample/hmc_static_diag_e.hpp>
#include <stan/services/sample/hmc_static_diag_e_adapt.hpp>
#include <stan/services/sample/hmc_static_unit_e.hpp>
#include <stan/services/sample/hmc_static_unit_e_adapt.hpp>

namespace driver {

int static_hmc(Sampling& s, const std::string& metric) {
  using namespace stan::services::sample;
  using stan::services::util::create_unit_e_dense_inv_metric;
  using stan::services::util::create_unit_e_diag_inv_metric;
  Run& r = s.run;
  const auto& init = *s.init.contexts[0];
  auto& init_writer = s.init_writers[0];
  auto& output = s.outputs[0];
  auto& diagnostic = s.diagnostics[0];
  if (metric == "unit_e") {
    if (s.adapt)
      return hmc_static_unit_e_adapt(r.model, init, r.seed, r.id, s.init.radius, s.num_warmup, s.num_samples, s.thin,
                                     s.save_warmup, r.refresh, s.stepsize, s.stepsize_jitter, s.int_time, s.delta,
                                     s.gamma, s.kappa, s.t0, r.interrupt, r.console, init_writer, output, diagnostic);
    return hmc_static_unit_e(r.model, init, r.seed, r.id, s.init.radius, s.num_warmup, s.num_samples, s.thin,
                             s.save_warmup, r.refresh, s.stepsize, s.stepsize_jitter, s.int_time, r.interrupt,
                             r.console, init_writer, output, diagnostic);
  }
  const auto run_with = [&](auto&& adaptive, auto&& plain, const stan::io::var_context& inv_metric) {
    if (s.adapt)
      return adaptive(r.model, init, inv_metric, r.seed, r.id, s.init.radius, s.num_warmup, s.num_samples, s.thin,
                      s.save_warmup, r.refresh, s.stepsize, s.stepsize_jitter, s.int_time, s.delta, s.gamma, s.kappa,
                      s.t0, s.init_buffer, s.term_buffer, s.window, r.interrupt, r.console, init_writer, output,
                      diagnostic);
    return plain(r.model, init, inv_metric, r.seed, r.id, s.init.radius, s.num_warmup, s.num_samples, s.thin,
                 s.save_warmup, r.refresh, s.stepsize, s.stepsize_jitter, s.int_time, r.interrupt, r.console,
                 init_writer, output, diagnostic);
  };
  if (metric == "dense_e") {
    const auto unit = create_unit_e_dense_inv_metric(r.model.num_params_r());
    return run_with([](auto&&... a) { return hmc_static_dense_e_adapt(a...); },
                    [](auto&&... a) { return hmc_static_dense_e(a...); },
                    s.inv_metric.empty() ? static_cast<const stan::io::var_context&>(unit) : *s.inv_metric[0]);
  }
  const auto unit = create_unit_e_diag_inv_metric(r.model.num_params_r());
  return run_with([](auto&&... a) { return hmc_static_diag_e_adapt(a...); },
                  [](auto&&... a) { return hmc_static_diag_e(a...); },
                  s.inv_metric.empty() ? static_cast<const stan::io::var_context&>(unit) : *s.inv_metric[0]);
}

}  // namespace driver
