#include "run.hpp"

#include <stan/version.hpp>

#include <fstream>
#include <sstream>

namespace driver {

Run::Run(Args& args, Model& model, const std::string& start_time)
    : args(args),
      model(model),
      seed(args.natural("random.seed")),
      id(args.natural("id")),
      refresh(args.integer("output.refresh")),
      sig_figs(args.integer("output.sig_figs")),
      start_time(start_time) {}

std::string Run::output_path(const std::string& tag, int chain, int num_chains, const std::string& suffix) const {
  return chain_path(args.text("output.file"), tag, chain, num_chains, id, suffix);
}

CsvWriter Run::open_csv(const std::string& path) const {
  CsvWriter writer(path, sig_figs);
  std::ostringstream head;
  head << "stan_version_major = " << STAN_MAJOR << "\nstan_version_minor = " << STAN_MINOR
       << "\nstan_version_patch = " << STAN_PATCH << "\nmodel = " << model.model_name()
       << "\nstart_datetime = " << start_time << "\n";
  args.print(head, "");
  for (const auto& line : model.model_compile_info())
    head << line << "\n";
  std::istringstream lines(head.str());
  for (std::string line; std::getline(lines, line);)
    writer(line);
  return writer;
}

std::vector<CsvWriter> Run::open_outputs(int num_chains) const {
  std::vector<CsvWriter> writers;
  for (int i = 0; i < num_chains; ++i)
    writers.push_back(open_csv(output_path("", i, num_chains)));
  return writers;
}

std::vector<CsvWriter> Run::open_diagnostics(int num_chains) const {
  std::vector<CsvWriter> writers(num_chains);
  if (!diagnostic_file().empty())
    for (int i = 0; i < num_chains; ++i)
      writers[i] = open_csv(chain_path(diagnostic_file(), "", i, num_chains, id));
  return writers;
}

JsonWriter Run::open_json_diagnostic(const std::string& tag) const {
  return open_json(diagnostic_file().empty() ? "" : tagged_path(diagnostic_file(), tag, ".json"), sig_figs);
}

void Run::save_config() const {
  const std::string output = args.text("output.file");
  // Of a list of files, one per chain, the first gives the name.
  const bool is_list = args.text("method") == "sample" && names_each_chain(output, args.integer("sample.num_chains"));
  const std::string path = tagged_path(is_list ? output.substr(0, output.find(',')) : output, "_config", ".json");
  std::ofstream out(path);
  out << "{\n  \"stan_major_version\" : \"" << STAN_MAJOR << "\",\n  \"stan_minor_version\" : \"" << STAN_MINOR
      << "\",\n  \"stan_patch_version\" : \"" << STAN_PATCH << "\",\n  \"model_name\" : \"" << model.model_name()
      << "\",\n  \"start_datetime\" : \"" << start_time << "\",\n";
  args.print_json(out, 2);
  out << ",\n  \"mpi_enabled\" : false";
  for (const auto& line : model.model_compile_info()) {
    const auto equals = line.find(" = ");
    out << ",\n  " << json_text(line.substr(0, equals)) << " : "
        << json_text(equals == std::string::npos ? "" : line.substr(equals + 3));
  }
  out << "\n}\n";
  out.close();
  if (!out)
    throw std::runtime_error("Cannot write \"" + path + "\".");
}

}  // namespace driver
