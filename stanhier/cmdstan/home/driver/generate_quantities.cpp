// method=generate_quantities
#include "run.hpp"

#include <stan/services/sample/standalone_gqs.hpp>

namespace driver {

int generate_quantities(Run& run) {
  const std::string path = run.args.text("generate_quantities.fitted_params");
  if (path.empty())
    throw usage_error("method=generate_quantities needs draws: fitted_params=<CSV file>.");
  const int num_chains = run.args.integer("generate_quantities.num_chains");
  std::vector<std::string> names;
  run.model.constrained_param_names(names, false, false);
  std::vector<Eigen::MatrixXd> draws;
  for (const auto& each : chain_paths(path, run.id, num_chains))
    draws.push_back(columns(read_csv(each), names, each));
  std::vector<CsvWriter> outputs = run.open_outputs(num_chains);
  const int code = stan::services::standalone_generate(run.model, num_chains, draws, run.seed, run.interrupt,
                                                       run.console, outputs);
  for (auto& writer : outputs)
    writer.finish();
  return code;
}

}  // namespace driver
