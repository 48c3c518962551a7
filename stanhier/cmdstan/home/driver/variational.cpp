// method=variational
#include "run.hpp"

#include <stan/services/experimental/advi/fullrank.hpp>
#include <stan/services/experimental/advi/meanfield.hpp>

namespace driver {

int variational(Run& r) {
  using namespace stan::services::experimental::advi;
  const Args& args = r.args;
  const auto integer = [&](const std::string& name) { return args.integer("variational." + name); };
  const Init init = read_init(args.text("init"), r.id, 1);
  CsvWriter output = r.open_csv(r.output_path("", 0, 1));
  CsvWriter init_writer;
  std::vector<CsvWriter> diagnostics = r.open_diagnostics(1);
  const auto run_with = [&](auto&& method) {
    return method(r.model, *init.contexts[0], r.seed, r.id, init.radius, integer("grad_samples"),
                  integer("elbo_samples"), integer("iter"), args.real("variational.tol_rel_obj"),
                  args.real("variational.eta"), args.flag("variational.adapt.engaged"), integer("adapt.iter"),
                  integer("eval_elbo"), integer("output_samples"), r.interrupt, r.console, init_writer, output,
                  diagnostics[0]);
  };
  const int code = args.text("variational.algorithm") == "fullrank"
                       ? run_with([](auto&&... a) { return fullrank(a...); })
                       : run_with([](auto&&... a) { return meanfield(a...); });
  output.finish();
  diagnostics[0].finish();
  return code;
}

}  // namespace driver
