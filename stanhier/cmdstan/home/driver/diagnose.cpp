// method=diagnose
#include "run.hpp"

#include <stan/services/diagnose/diagnose.hpp>

namespace driver {

int diagnose(Run& run) {
  const Init init = read_init(run.args.text("init"), run.id, 1);
  CsvWriter output = run.open_csv(run.output_path("", 0, 1));
  CsvWriter init_writer;
  const int failed = stan::services::diagnose::diagnose(
      run.model, *init.contexts[0], run.seed, run.id, init.radius, run.args.real("diagnose.gradient.epsilon"),
      run.args.real("diagnose.gradient.error"), run.interrupt, run.console, init_writer, output);
  output.finish();
  return failed;
}

}  // namespace driver
