// method=pathfinder
#include "run.hpp"

#include <boost/range/iterator_range_core.hpp>
#include <stan/services/pathfinder/multi.hpp>
#include <stan/services/pathfinder/single.hpp>

namespace driver {

int pathfinder(Run& r) {
  using namespace stan::services::pathfinder;
  const Args& args = r.args;
  const auto real = [&](const std::string& name) { return args.real("pathfinder." + name); };
  const auto integer = [&](const std::string& name) { return args.integer("pathfinder." + name); };
  const auto flag = [&](const std::string& name) { return args.flag("pathfinder." + name); };
  const int num_paths = integer("num_paths");
  if (r.model.num_params_r() == 0)
    throw std::runtime_error("Model contains no parameters, so pathfinder has nothing to approximate.");
  if (static_cast<double>(integer("num_psis_draws")) > static_cast<double>(integer("num_draws")) * num_paths)
    r.console.warn("Warning: num_psis_draws is larger than num_draws * num_paths, so that some draws are repeated.");
  const Init init = read_init(args.text("init"), r.id, num_paths);
  const std::string diagnostic_file = r.diagnostic_file();
  CsvWriter output = r.open_csv(r.output_path("", 0, 1));
  int code;
  if (num_paths == 1) {
    CsvWriter init_writer;
    JsonWriter diagnostic = r.open_json_diagnostic("");
    code = pathfinder_lbfgs_single<false, false, Model>(
        r.model, *init.contexts[0], r.seed, r.id, init.radius, integer("history_size"), real("init_alpha"),
        real("tol_obj"), real("tol_rel_obj"), real("tol_grad"), real("tol_rel_grad"), real("tol_param"),
        integer("max_lbfgs_iters"), integer("num_elbo_draws"), integer("num_draws"), !diagnostic_file.empty(),
        r.refresh, r.interrupt, r.console, init_writer, output, diagnostic, flag("calculate_lp"));
  } else {
    const bool save_paths = flag("save_single_paths");
    std::vector<CsvWriter> init_writers(num_paths);
    std::vector<CsvWriter> path_outputs(num_paths);
    std::vector<JsonWriter> path_diagnostics;
    CsvWriter no_diagnostic;
    for (int i = 0; i < num_paths; ++i) {
      const std::string tag = "_path_" + std::to_string(r.id + i);
      if (save_paths)
        path_outputs[i] = r.open_csv(tagged_path(args.text("output.file"), tag));
      path_diagnostics.push_back(save_paths && diagnostic_file.empty()
                                     ? open_json(tagged_path(args.text("output.file"), tag, ".json"), r.sig_figs)
                                     : r.open_json_diagnostic(tag));
    }
    code = pathfinder_lbfgs_multi<Model>(
        r.model, init.contexts, r.seed, r.id, init.radius, integer("history_size"), real("init_alpha"),
        real("tol_obj"), real("tol_rel_obj"), real("tol_grad"), real("tol_rel_grad"), real("tol_param"),
        integer("max_lbfgs_iters"), integer("num_elbo_draws"), integer("num_draws"), integer("num_psis_draws"),
        num_paths, save_paths || !diagnostic_file.empty(), r.refresh, r.interrupt, r.console, init_writers,
        path_outputs, path_diagnostics, output, no_diagnostic, flag("calculate_lp"), flag("psis_resample"));
    for (auto& writer : path_outputs)
      writer.finish();
  }
  output.finish();
  return code;
}

}  // namespace driver
