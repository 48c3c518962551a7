// Every argument of the command line, with its default, its range and what it is for.
#include "args.hpp"

#include <cmath>

namespace driver {

namespace {

using List = std::vector<Arg>;

Arg base(Arg::Kind kind, const std::string& name, const std::string& help) {
  Arg arg;
  arg.kind = kind;
  arg.name = name;
  arg.help = help;
  return arg;
}

Arg group(const std::string& name, const std::string& help, List children = {}) {
  Arg arg = base(Arg::Kind::group, name, help);
  arg.children = std::move(children);
  return arg;
}

Arg choice(const std::string& name, const std::string& value, const std::string& help, List options) {
  Arg arg = base(Arg::Kind::choice, name, help);
  arg.text = arg.default_text = value;
  arg.children = std::move(options);
  return arg;
}

Arg text(const std::string& name, const std::string& value, const std::string& help) {
  Arg arg = base(Arg::Kind::text, name, help);
  arg.text = arg.default_text = value;
  return arg;
}

Arg number(Arg::Kind kind, const std::string& name, double value, Range range, const std::string& help) {
  Arg arg = base(kind, name, help);
  arg.number = arg.default_number = value;
  arg.range = range;
  return arg;
}

Arg flag(const std::string& name, bool value, const std::string& help) {
  return number(Arg::Kind::boolean, name, value, {}, help);
}

Arg integer(const std::string& name, double value, Range range, const std::string& help) {
  return number(Arg::Kind::integer, name, value, range, help);
}

Arg real(const std::string& name, double value, Range range, const std::string& help) {
  return number(Arg::Kind::real, name, value, range, help);
}

constexpr double int_max = 2147483647.0;
constexpr double unsigned_max = 4294967295.0;

Range from(double low) { return {low, int_max, false, false}; }
Range at_least(double low) { return {low, INFINITY, false, false}; }
Range above(double low) { return {low, INFINITY, true, false}; }
Range between(double low, double high) { return {low, high, false, false}; }

List lbfgs_tolerances() {
  return {real("init_alpha", 0.001, above(0), "Step size of the first iteration's line search."),
          real("tol_obj", 1e-12, at_least(0), "Converged when the objective changes by less than this."),
          real("tol_rel_obj", 1e4, at_least(0), "The same, relative to the objective, in machine epsilons."),
          real("tol_grad", 1e-8, at_least(0), "Converged when the norm of the gradient is below this."),
          real("tol_rel_grad", 1e7, at_least(0), "The same, relative, in machine epsilons."),
          real("tol_param", 1e-8, at_least(0), "Converged when the parameters move by less than this.")};
}

Arg history_size() { return integer("history_size", 5, from(1), "Updates kept to approximate the Hessian."); }

Arg sample() {
  return group(
      "sample", "Markov chain Monte Carlo.",
      {integer("num_samples", 1000, from(0), "Iterations after warm-up."),
       integer("num_warmup", 1000, from(0), "Warm-up iterations."),
       flag("save_warmup", false, "Write the warm-up draws too."),
       integer("thin", 1, from(1), "Keep every n-th draw."),
       group("adapt", "Adaptation during warm-up.",
             {flag("engaged", true, "Adapt step size and metric."),
              real("gamma", 0.05, above(0), "Regularisation scale."),
              real("delta", 0.8, {0, 1, true, true}, "Target acceptance statistic."),
              real("kappa", 0.75, above(0), "Relaxation exponent."),
              real("t0", 10, above(0), "Iteration offset."),
              integer("init_buffer", 75, from(0), "Width of the first, fast interval."),
              integer("term_buffer", 50, from(0), "Width of the last, fast interval."),
              integer("window", 25, from(0), "First width of the slow intervals."),
              flag("save_metric", false, "Write step size and metric to a JSON file beside the output.")}),
       choice("algorithm", "hmc", "How to sample.",
              {group("hmc", "Hamiltonian Monte Carlo.",
                     {choice("engine", "nuts", "How long to follow a trajectory.",
                             {group("static", "A fixed integration time.",
                                    {real("int_time", 2 * M_PI, above(0), "Integration time of a trajectory.")}),
                              group("nuts", "The No-U-Turn sampler.",
                                    {integer("max_depth", 10, from(1), "Greatest depth of the tree.")})}),
                      choice("metric", "diag_e", "Geometry of the parameter space.",
                             {group("unit_e", ""), group("diag_e", ""), group("dense_e", "")}),
                      text("metric_file", "", "File with the inverse metric to start from (variable inv_metric)."),
                      real("stepsize", 1, above(0), "Step size to start from."),
                      real("stepsize_jitter", 0, between(0, 1), "Uniform jitter of the step size, as a fraction.")}),
               group("fixed_param", "Leave the parameters where they start; only generate quantities.")}),
       integer("num_chains", 1, from(1), "Chains to run in this process.")});
}

Arg optimize() {
  List lbfgs = lbfgs_tolerances();
  lbfgs.push_back(history_size());
  return group("optimize", "Point estimate: the mode.",
               {choice("algorithm", "lbfgs", "How to optimise.",
                       {group("bfgs", "BFGS with line search.", lbfgs_tolerances()),
                        group("lbfgs", "Limited-memory BFGS with line search.", lbfgs),
                        group("newton", "Newton's method.")}),
                flag("jacobian", false, "Include the Jacobian of the constraining transforms (the mode that laplace needs)."),
                integer("iter", 2000, from(1), "Greatest number of iterations."),
                flag("save_iterations", false, "Write every iteration.")});
}

Arg variational() {
  return group("variational", "Variational inference (ADVI).",
               {choice("algorithm", "meanfield", "Family of the approximation.",
                       {group("meanfield", "Normal with diagonal covariance."),
                        group("fullrank", "Normal with full covariance.")}),
                integer("iter", 10000, from(1), "Greatest number of iterations."),
                integer("grad_samples", 1, from(1), "Draws per gradient."),
                integer("elbo_samples", 100, from(1), "Draws per estimate of the ELBO."),
                real("eta", 1, above(0), "Step size, when it is not adapted."),
                group("adapt", "Adaptation of the step size.",
                      {flag("engaged", true, "Adapt the step size."),
                       integer("iter", 50, from(1), "Iterations per trial step size.")}),
                real("tol_rel_obj", 0.01, above(0), "Converged when the ELBO changes relatively by less than this."),
                integer("eval_elbo", 100, from(1), "Estimate the ELBO every n-th iteration."),
                integer("output_samples", 1000, from(0), "Draws to write.")});
}

Arg pathfinder() {
  List args = lbfgs_tolerances();
  args.push_back(history_size());
  args.push_back(integer("num_psis_draws", 1000, from(1), "Draws after importance resampling."));
  args.push_back(integer("num_paths", 4, from(1), "Optimisation paths."));
  args.push_back(flag("save_single_paths", false, "Write each path's draws and optimisation too."));
  args.push_back(flag("psis_resample", true, "Resample the paths' draws by importance."));
  args.push_back(flag("calculate_lp", true, "Evaluate the log density of the draws."));
  args.push_back(integer("max_lbfgs_iters", 1000, from(1), "Greatest number of iterations per path."));
  args.push_back(integer("num_draws", 1000, from(1), "Draws per path."));
  args.push_back(integer("num_elbo_draws", 25, from(1), "Draws per estimate of the ELBO."));
  return group("pathfinder", "Variational inference along optimisation paths (Pathfinder).", args);
}

}  // namespace

Args make_args() {
  return Args(group(
      "", "",
      {choice("method", "sample", "What to do.",
              {sample(), optimize(), variational(),
               group("diagnose", "Check the model.",
                     {choice("test", "gradient", "What to check.",
                             {group("gradient", "Gradients against finite differences.",
                                    {real("epsilon", 1e-6, above(0), "Step of the finite differences."),
                                     real("error", 1e-6, above(0), "Greatest difference that passes.")})})}),
               group("generate_quantities", "Generated quantities for draws of an earlier fit.",
                     {text("fitted_params", "", "CSV file with the draws."),
                      integer("num_chains", 1, from(1), "Chains: reads and writes one numbered file each.")}),
               pathfinder(),
               group("log_prob", "Log density and gradient at given parameters.",
                     {text("unconstrained_params", "", "JSON (variable params_r) or CSV file, unconstrained scale."),
                      text("constrained_params", "", "JSON file (by parameter) or CSV file, constrained scale."),
                      flag("jacobian", true, "Include the Jacobian of the constraining transforms.")}),
               group("laplace", "Normal approximation at a mode.",
                     {text("mode", "", "CSV file of an optimize run, or JSON file, with the mode."),
                      flag("jacobian", true, "Include the Jacobian of the constraining transforms."),
                      integer("draws", 1000, from(0), "Draws to write."),
                      flag("calculate_lp", true, "Evaluate the log density of the draws.")})}),
       integer("id", 1, between(0, unsigned_max), "Number of the (first) chain."),
       group("data", "Data of the model.", {text("file", "", "Data file (.json, otherwise R dump format).")}),
       text("init", "2", "Initial values: a file (or one per chain), 0 for zero, or x for uniform in (-x, x), unconstrained scale."),
       group("random", "Random numbers.",
             {integer("seed", -1, between(-1, unsigned_max), "Seed; -1 takes it from the clock.")}),
       group("output", "Output.",
             {text("file", "output.csv", "Output file; for several chains also one per chain, separated by commas."),
              text("diagnostic_file", "", "File for diagnostics."),
              integer("refresh", 100, from(0), "Iterations between two lines of progress; 0 for none."),
              integer("sig_figs", 8, between(-1, 18), "Significant figures in the output; -1 for 6."),
              text("profile_file", "profile.csv", "File for the times of profile statements."),
              flag("save_cmdstan_config", false, "Write these arguments to a JSON file beside the output.")}),
       integer("num_threads", 1, between(-1, int_max), "Threads of this process; -1 for one per core.")}));
}

}  // namespace driver
