// method=sample: chooses the sampler.
#include "sampling.hpp"

namespace driver {

Sampling::Sampling(Run& run)
    : run(run),
      num_chains(run.args.integer("sample.num_chains")),
      init(read_init(run.args.text("init"), run.id, num_chains)),
      num_samples(run.args.integer("sample.num_samples")),
      num_warmup(run.args.integer("sample.num_warmup")),
      thin(run.args.integer("sample.thin")),
      save_warmup(run.args.flag("sample.save_warmup")),
      adapt(run.args.flag("sample.adapt.engaged")),
      delta(run.args.real("sample.adapt.delta")),
      gamma(run.args.real("sample.adapt.gamma")),
      kappa(run.args.real("sample.adapt.kappa")),
      t0(run.args.real("sample.adapt.t0")),
      init_buffer(run.args.natural("sample.adapt.init_buffer")),
      term_buffer(run.args.natural("sample.adapt.term_buffer")),
      window(run.args.natural("sample.adapt.window")),
      stepsize(run.args.real("sample.hmc.stepsize")),
      stepsize_jitter(run.args.real("sample.hmc.stepsize_jitter")),
      max_depth(run.args.integer("sample.hmc.nuts.max_depth")),
      int_time(run.args.real("sample.hmc.static.int_time")),
      init_writers(num_chains) {}

namespace {

int run_sampler(Sampling& s) {
  const Args& args = s.run.args;
  if (args.text("sample.algorithm") == "fixed_param")
    return fixed_param(s);
  const std::string metric = args.text("sample.hmc.metric");
  if (args.text("sample.hmc.engine") == "static")
    return static_hmc(s, metric);
  if (metric == "unit_e")
    return nuts_unit_e(s);
  return metric == "dense_e" ? nuts_dense_e(s) : nuts_diag_e(s);
}

}  // namespace

int sample(Run& run) {
  const Args& args = run.args;
  Sampling s(run);
  const std::string metric_file = args.text("sample.hmc.metric_file");
  if (!metric_file.empty()) {
    if (args.text("sample.hmc.metric") == "unit_e")
      throw usage_error("metric_file=" + metric_file + " has no use with metric=unit_e; choose diag_e or dense_e.");
    s.inv_metric = read_chain_contexts(metric_file, run.id, s.num_chains);
  }
  if (s.num_chains > 1 && args.text("sample.algorithm") == "hmc" && args.text("sample.hmc.engine") == "static")
    throw usage_error("num_chains=" + std::to_string(s.num_chains)
                      + ": engine=static runs one chain per process; start one process per chain.");
  if (args.flag("sample.adapt.save_metric") && !s.adapt)
    throw usage_error("save_metric=1 needs adaptation (adapt engaged=1): without it there is no metric to save.");
  s.outputs = run.open_outputs(s.num_chains);
  s.diagnostics = run.open_diagnostics(s.num_chains);
  const bool is_adapted = s.adapt && args.text("sample.algorithm") == "hmc"
                          && args.text("sample.hmc.engine") == "nuts";
  const bool save_metric = args.flag("sample.adapt.save_metric") && is_adapted;
  if (args.flag("sample.adapt.save_metric") && !is_adapted)
    run.console.info("save_metric has no effect: only engine=nuts has a metric to save.");
  for (int i = 0; i < s.num_chains; ++i)
    s.metrics.push_back(
        open_json(save_metric ? run.output_path("_metric", i, s.num_chains, ".json") : "", run.sig_figs));
  const int code = run_sampler(s);
  for (auto* writers : {&s.outputs, &s.diagnostics})
    for (auto& writer : *writers)
      writer.finish();
  return code;
}

}  // namespace driver
