// One run of the program: the model, its arguments and the methods that it can be given to.
#ifndef DRIVER_RUN_HPP
#define DRIVER_RUN_HPP

#include "args.hpp"
#include "input.hpp"
#include "output.hpp"

#include <stan/callbacks/interrupt.hpp>
#include <stan/model/model_base.hpp>

#include <string>
#include <vector>

namespace driver {

using Model = stan::model::model_base;

struct Run {
  Args& args;
  Model& model;
  Console console;
  stan::callbacks::interrupt interrupt;
  unsigned int seed;
  unsigned int id;
  int refresh;
  int sig_figs;
  std::string start_time;

  Run(Args& args, Model& model, const std::string& start_time);

  // The output file with `tag` before the number of the chain; the number only if there are several chains.
  std::string output_path(const std::string& tag, int chain, int num_chains, const std::string& suffix = "") const;
  // An open file that begins with version, model and arguments as comments.
  CsvWriter open_csv(const std::string& path) const;
  std::vector<CsvWriter> open_outputs(int num_chains) const;
  // Empty writers if no diagnostic file is asked for.
  std::vector<CsvWriter> open_diagnostics(int num_chains) const;
  // The diagnostic file with `tag` and the suffix .json; an empty writer if none is asked for.
  JsonWriter open_json_diagnostic(const std::string& tag) const;
  std::string diagnostic_file() const { return args.text("output.diagnostic_file"); }
  void save_config() const;
};

// Each runs one method and returns 0 if it succeeded.
int sample(Run& run);
int optimize(Run& run);
int laplace(Run& run);
int pathfinder(Run& run);
int variational(Run& run);
int generate_quantities(Run& run);
int log_prob(Run& run);
int diagnose(Run& run);

}  // namespace driver

#endif
