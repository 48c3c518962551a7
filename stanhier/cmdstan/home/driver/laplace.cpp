// method=laplace
#include "run.hpp"

#include <stan/services/optimize/laplace_sample.hpp>

#include <iostream>

namespace driver {

namespace {

// The mode on the unconstrained scale. Of a CSV file the last row counts: with save_iterations it is the mode.
Eigen::VectorXd read_mode(Run& run, const std::string& path) {
  Eigen::VectorXd mode;
  if (split_suffix(path).second == ".json") {
    run.model.transform_inits(*read_context(path), mode, &std::cout);
    return mode;
  }
  std::vector<std::string> names;
  run.model.constrained_param_names(names, false, false);
  const Eigen::MatrixXd rows = columns(read_csv(path), names, path);
  const Eigen::VectorXd constrained = rows.row(rows.rows() - 1);
  run.model.unconstrain_array(constrained, mode, &std::cout);
  return mode;
}

}  // namespace

int laplace(Run& run) {
  const std::string path = run.args.text("laplace.mode");
  if (path.empty())
    throw usage_error("method=laplace needs a mode: mode=<CSV file of an optimize run, or JSON file>.");
  const Eigen::VectorXd mode = read_mode(run, path);
  CsvWriter output = run.open_csv(run.output_path("", 0, 1));
  JsonWriter diagnostic = run.open_json_diagnostic("");
  const int draws = run.args.integer("laplace.draws");
  const bool lp = run.args.flag("laplace.calculate_lp");
  const int code = run.args.flag("laplace.jacobian")
                       ? stan::services::laplace_sample<true>(run.model, mode, draws, lp, run.seed, run.refresh,
                                                              run.interrupt, run.console, output, diagnostic)
                       : stan::services::laplace_sample<false>(run.model, mode, draws, lp, run.seed, run.refresh,
                                                               run.interrupt, run.console, output, diagnostic);
  output.finish();
  return code;
}

}  // namespace driver
