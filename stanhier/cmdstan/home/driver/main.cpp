// Reads the arguments, makes the model and runs one method on it.
#include "run.hpp"

#include <stan/math/prim/core/init_threadpool_tbb.hpp>
#include <stan/math/rev/core/profiling.hpp>
#include <stan/version.hpp>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>

// Both are defined by the C++ code that stanc generates.
stan::model::model_base& new_model(stan::io::var_context& data, unsigned int seed, std::ostream* messages);
stan::math::profile_map& get_stan_profile_data();

namespace driver {

namespace {

#ifdef STAN_THREADS
constexpr bool has_threads = true;
#else
constexpr bool has_threads = false;
#endif
#ifdef STAN_NO_RANGE_CHECKS
constexpr bool no_range_checks = true;
#else
constexpr bool no_range_checks = false;
#endif
#ifdef STAN_CPP_OPTIMS
constexpr bool cpp_optims = true;
#else
constexpr bool cpp_optims = false;
#endif

const char* word(bool value) { return value ? "true" : "false"; }

void print_info() {
  std::cout << "stan_version_major = " << STAN_MAJOR << "\nstan_version_minor = " << STAN_MINOR
            << "\nstan_version_patch = " << STAN_PATCH << "\nSTAN_THREADS=" << word(has_threads)
            << "\nSTAN_MPI=false\nSTAN_OPENCL=false\nSTAN_NO_RANGE_CHECKS=" << word(no_range_checks)
            << "\nSTAN_CPP_OPTIMS=" << word(cpp_optims) << std::endl;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", std::gmtime(&now));
  return text;
}

void choose_seed(Args& args) {
  if (args.real("random.seed") >= 0)
    return;
  const auto ticks = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(ticks).count();
  args.set_number("random.seed", static_cast<double>(static_cast<unsigned int>(millis)), true);
}

void start_threads(Args& args) {
  const int from_environment = stan::math::internal::get_num_threads();
  if (!args.given("num_threads")) {
    args.set_number("num_threads", from_environment, true);
  } else {
    const int asked = args.integer("num_threads");
    if (asked == 0)
      throw usage_error("0 is not a valid value for \"num_threads\"\n  Accepted: a number >= 1, or -1 for all cores.");
    if (!has_threads && asked != 1)
      throw usage_error("num_threads=" + std::to_string(asked)
                        + ": this program was compiled without STAN_THREADS, so it has one thread.");
    if (has_threads && std::getenv("STAN_NUM_THREADS") != nullptr && asked != from_environment
        && !(asked == -1 && std::string(std::getenv("STAN_NUM_THREADS")) == "-1"))
      throw usage_error("num_threads=" + std::to_string(asked) + " disagrees with STAN_NUM_THREADS="
                        + std::getenv("STAN_NUM_THREADS") + " in the environment.");
  }
  stan::math::init_threadpool_tbb(args.integer("num_threads"));
}

void write_profile(const std::string& path) {
  const auto& profiles = get_stan_profile_data();
  if (profiles.empty())
    return;
  std::ofstream out(path);
  out << "name,thread_id,total_time,forward_time,reverse_time,chain_stack,no_chain_stack,autodiff_calls,"
         "no_autodiff_calls\n";
  for (const auto& entry : profiles) {
    const auto& p = entry.second;
    out << entry.first.first << ',' << entry.first.second << ',' << p.get_fwd_time() + p.get_rev_time() << ','
        << p.get_fwd_time() << ',' << p.get_rev_time() << ',' << p.get_chain_stack_used() << ','
        << p.get_nochain_stack_used() << ',' << p.get_num_rev_passes() << ','
        << p.get_num_no_AD_fwd_passes() << '\n';
  }
  out.close();
  if (!out)
    throw std::runtime_error("Cannot write \"" + path + "\".");
}

int run(const std::vector<std::string>& words) {
  static const std::map<std::string, int (*)(Run&)> methods{
      {"sample", sample},         {"optimize", optimize},       {"laplace", laplace},
      {"pathfinder", pathfinder}, {"variational", variational}, {"generate_quantities", generate_quantities},
      {"log_prob", log_prob},     {"diagnose", diagnose}};
  Args args = make_args();
  args.parse(words);
  choose_seed(args);
  start_threads(args);
  args.print(std::cout, "");
  std::cout << std::endl;

  const std::string start_time = utc_now();
  const auto data = read_context(args.text("data.file"));
  auto& context = const_cast<stan::io::var_context&>(*data);
  // The model lives until the program ends: autodiff memory may refer to it.
  stan::model::model_base& model = new_model(context, args.natural("random.seed"), &std::cout);
  Run one(args, model, start_time);
  if (args.flag("output.save_cmdstan_config"))
    one.save_config();
  const int code = methods.at(args.text("method"))(one);
  write_profile(args.text("output.profile_file"));
  return code == 0 ? 0 : 1;
}

}  // namespace

}  // namespace driver

int main(int argc, const char* argv[]) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.empty()) {
      std::cout << driver::make_args().help(false);
      return 1;
    }
    if (words == std::vector<std::string>{"info"}) {
      driver::print_info();
      return 0;
    }
    return driver::run(words);
  } catch (const driver::help_request& help) {
    std::cout << help.what();
    return 0;
  } catch (const std::exception& e) {
    // Callers look for lines that begin with "Error" or "Exception", so the message stands as it is.
    std::cout.flush();
    std::cerr << e.what() << std::endl;
    return 1;
  }
}
