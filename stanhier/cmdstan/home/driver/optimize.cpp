// method=optimize
#include "run.hpp"

#include <stan/services/optimize/bfgs.hpp>
#include <stan/services/optimize/lbfgs.hpp>
#include <stan/services/optimize/newton.hpp>

namespace driver {

namespace {

template <bool jacobian>
int run_optimizer(Run& r, CsvWriter& output) {
  using namespace stan::services::optimize;
  const Args& args = r.args;
  const Init init = read_init(args.text("init"), r.id, 1);
  const auto& context = *init.contexts[0];
  CsvWriter init_writer;
  const std::string algorithm = args.text("optimize.algorithm");
  const int iter = args.integer("optimize.iter");
  const bool save = args.flag("optimize.save_iterations");
  if (algorithm == "newton")
    return newton<Model, jacobian>(r.model, context, r.seed, r.id, init.radius, iter, save, r.interrupt, r.console,
                                   init_writer, output);
  const auto real = [&](const std::string& name) { return args.real("optimize." + algorithm + "." + name); };
  if (algorithm == "bfgs")
    return bfgs<Model, jacobian>(r.model, context, r.seed, r.id, init.radius, real("init_alpha"), real("tol_obj"),
                                 real("tol_rel_obj"), real("tol_grad"), real("tol_rel_grad"), real("tol_param"), iter,
                                 save, r.refresh, r.interrupt, r.console, init_writer, output);
  return lbfgs<Model, jacobian>(r.model, context, r.seed, r.id, init.radius,
                                args.integer("optimize.lbfgs.history_size"), real("init_alpha"), real("tol_obj"),
                                real("tol_rel_obj"), real("tol_grad"), real("tol_rel_grad"), real("tol_param"), iter,
                                save, r.refresh, r.interrupt, r.console, init_writer, output);
}

}  // namespace

int optimize(Run& run) {
  CsvWriter output = run.open_csv(run.output_path("", 0, 1));
  const int code =
      run.args.flag("optimize.jacobian") ? run_optimizer<true>(run, output) : run_optimizer<false>(run, output);
  output.finish();
  return code;
}

}  // namespace driver
