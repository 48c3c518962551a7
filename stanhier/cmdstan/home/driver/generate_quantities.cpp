// method=generate_quantities
#include "run.hpp"

#include <stan/services/sample/standalone_gqs.hpp>

namespace driver {

namespace {

// For several chains Stan's service hands over the parameters before the quantities, which its names leave out.
class OnlyNamed final : public stan::callbacks::writer {
 public:
  explicit OnlyNamed(CsvWriter& output) : output_(output) {}

  void operator()(const std::vector<std::string>& names) override {
    size_ = names.size();
    output_(names);
  }
  void operator()(const std::vector<double>& values) override { output_(values); }
  void operator()(const Eigen::Matrix<double, -1, 1>& values) override {
    const double* end = values.data() + values.size();
    output_(std::vector<double>(end - size_, end));
  }
  void operator()() override { output_(); }
  void operator()(const std::string& message) override { output_(message); }
  bool is_valid() const noexcept override { return output_.is_valid(); }

 private:
  CsvWriter& output_;
  std::size_t size_ = 0;
};

}  // namespace

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
  std::vector<OnlyNamed> writers(outputs.begin(), outputs.end());
  const int code = stan::services::standalone_generate(run.model, num_chains, draws, run.seed, run.interrupt,
                                                       run.console, writers);
  for (auto& writer : outputs)
    writer.finish();
  return code;
}

}  // namespace driver
