// What a run writes: CSV and JSON files, and the console.
#ifndef DRIVER_OUTPUT_HPP
#define DRIVER_OUTPUT_HPP

#include <stan/callbacks/json_writer.hpp>
#include <stan/callbacks/logger.hpp>
#include <stan/callbacks/writer.hpp>

#include <cstdio>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace driver {

// A CSV file with comments. Numbers are written as printf's %g does; the buffer is flushed when it is full and
// at the end, not with every row. Without a file everything written is dropped.
class CsvWriter final : public stan::callbacks::writer {
 public:
  CsvWriter() = default;
  CsvWriter(const std::string& path, int sig_figs);

  void operator()(const std::vector<std::string>& names) override;
  void operator()(const std::vector<double>& values) override;
  void operator()() override { comment(""); }
  void operator()(const std::string& message) override { comment(message); }
  // One row per column of `values`.
  void operator()(const Eigen::Matrix<double, -1, -1>& values) override;
  // One row.
  void operator()(const Eigen::Matrix<double, -1, 1>& values) override { row(values.data(), values.size(), ", "); }
  void operator()(const Eigen::Matrix<double, 1, -1>& values) override { row(values.data(), values.size(), ", "); }
  bool is_valid() const noexcept override { return file_ != nullptr; }

  // Closes the file; throws if anything could not be written (a full disk, for one).
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void comment(const std::string& message);
  void row(const double* values, std::size_t size, const char* separator);
  void add(double value);
  void write_line();
  [[noreturn]] void fail() const;

  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  std::string line_;
  int precision_ = 6;
};

using JsonWriter = stan::callbacks::json_writer<std::ofstream>;
// A JSON file; without a path everything written is dropped.
JsonWriter open_json(const std::string& path, int sig_figs);

// Console messages, one whole line at a time even from several threads; errors go to stderr.
class Console final : public stan::callbacks::logger {
 public:
  void debug(const std::string& message) override { print(stdout, message); }
  void debug(const std::stringstream& message) override { print(stdout, message.str()); }
  void info(const std::string& message) override { print(stdout, message); }
  void info(const std::stringstream& message) override { print(stdout, message.str()); }
  void warn(const std::string& message) override { print(stdout, message); }
  void warn(const std::stringstream& message) override { print(stdout, message.str()); }
  void error(const std::string& message) override { print(stderr, message); }
  void error(const std::stringstream& message) override { print(stderr, message.str()); }
  void fatal(const std::string& message) override { print(stderr, message); }
  void fatal(const std::stringstream& message) override { print(stderr, message.str()); }

 private:
  void print(std::FILE* stream, const std::string& message);
  std::mutex mutex_;
};

// "dir/fit.csv" -> "dir/fit" and ".csv"; a dot in a folder's name does not count.
std::pair<std::string, std::string> split_suffix(const std::string& path);
// "dir/fit.csv", "_path_1", ".json" -> "dir/fit_path_1.json"; without a suffix the file keeps its own.
std::string tagged_path(const std::string& path, const std::string& tag, const std::string& suffix = "");
// Whether a path is a list with commas, "a.csv,b.csv", that names a file for each of several chains.
bool names_each_chain(const std::string& path, int num_chains);
// The members of such a list; throws unless there is one for every chain.
std::vector<std::string> each_chains_path(const std::string& list, int num_chains);
// The path of one chain: the list's member, or the path with `number` if there are several chains.
std::string chain_path(const std::string& path, const std::string& tag, int chain, int num_chains, unsigned int id,
                       const std::string& suffix = "");

}  // namespace driver

#endif
