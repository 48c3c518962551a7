#include "output.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace driver {

CsvWriter::CsvWriter(const std::string& path, int sig_figs)
    : file_(std::fopen(path.c_str(), "w")), path_(path), precision_(sig_figs < 0 ? 6 : sig_figs) {
  if (!file_)
    fail();
  std::setvbuf(file_.get(), nullptr, _IOFBF, 1 << 16);
}

void CsvWriter::fail() const {
  throw std::runtime_error("Cannot write \"" + path_ + "\": " + std::strerror(errno));
}

void CsvWriter::add(double value) {
  char text[64];
#ifdef __cpp_lib_to_chars
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, precision_).ptr;
  line_.append(text, end);
#else
  line_.append(text, std::snprintf(text, sizeof text, "%.*g", precision_, value));
#endif
}

void CsvWriter::write_line() {
  line_ += '\n';
  if (std::fwrite(line_.data(), 1, line_.size(), file_.get()) != line_.size())
    fail();
  line_.clear();
}

void CsvWriter::comment(const std::string& message) {
  if (!file_)
    return;
  line_.append("# ").append(message);
  write_line();
}

void CsvWriter::operator()(const std::vector<std::string>& names) {
  if (!file_ || names.empty())
    return;
  for (const auto& name : names)
    line_.append(line_.empty() ? "" : ",").append(name);
  write_line();
}

void CsvWriter::row(const double* values, std::size_t size, const char* separator) {
  if (!file_ || size == 0)
    return;
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0)
      line_ += separator;
    add(values[i]);
  }
  write_line();
}

void CsvWriter::operator()(const std::vector<double>& values) { row(values.data(), values.size(), ","); }

void CsvWriter::operator()(const Eigen::Matrix<double, -1, -1>& values) {
  for (Eigen::Index j = 0; j < values.cols(); ++j)
    row(values.col(j).data(), values.rows(), ", ");
}

void CsvWriter::finish() {
  if (file_ && std::fclose(file_.release()) != 0)
    fail();
}

JsonWriter open_json(const std::string& path, int sig_figs) {
  if (path.empty())
    return JsonWriter(std::unique_ptr<std::ofstream>());
  auto stream = std::make_unique<std::ofstream>(path);
  if (!*stream)
    throw std::runtime_error("Cannot write \"" + path + "\": " + std::strerror(errno));
  stream->precision(sig_figs < 0 ? 6 : sig_figs);
  return JsonWriter(std::move(stream));
}

void Console::print(std::FILE* stream, const std::string& message) {
  const std::string line = message + "\n";
  const std::lock_guard<std::mutex> lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), stream);
  std::fflush(stream);
}

std::pair<std::string, std::string> split_suffix(const std::string& path) {
  const auto slash = path.find_last_of('/');
  const auto dot = path.find_last_of('.');
  const auto name = slash == std::string::npos ? 0 : slash + 1;
  if (dot == std::string::npos || dot <= name)
    return {path, ""};
  return {path.substr(0, dot), path.substr(dot)};
}

std::string tagged_path(const std::string& path, const std::string& tag, const std::string& suffix) {
  const auto parts = split_suffix(path);
  return parts.first + tag + (suffix.empty() ? parts.second : suffix);
}

bool names_each_chain(const std::string& path, int num_chains) {
  return num_chains > 1 && path.find(',') != std::string::npos;
}

std::vector<std::string> each_chains_path(const std::string& list, int num_chains) {
  std::vector<std::string> paths;
  std::istringstream members(list);
  for (std::string path; std::getline(members, path, ',');)
    paths.push_back(path);
  if (paths.size() != static_cast<std::size_t>(num_chains))
    throw std::runtime_error("\"" + list + "\" names " + std::to_string(paths.size()) + " files for "
                             + std::to_string(num_chains) + " chains; name one for each, or one for all.");
  return paths;
}

std::string chain_path(const std::string& path, const std::string& tag, int chain, int num_chains, unsigned int id,
                       const std::string& suffix) {
  if (names_each_chain(path, num_chains))
    return tagged_path(each_chains_path(path, num_chains)[chain], tag, suffix);
  return tagged_path(path, tag + (num_chains == 1 ? "" : "_" + std::to_string(id + chain)), suffix);
}

}  // namespace driver
