#include "input.hpp"

#include "output.hpp"

#include <stan/io/dump.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace driver {

namespace {

bool exists(const std::string& path) { return std::ifstream(path).good(); }

std::ifstream open(const std::string& path) {
  std::ifstream in(path);
  // A folder opens but cannot be read.
  if (in && in.peek() == std::ifstream::traits_type::eof() && in.bad())
    in.setstate(std::ios::failbit);
  if (in.bad() || !in.is_open())
    throw std::runtime_error("Cannot read \"" + path + "\": " + std::strerror(errno ? errno : EISDIR));
  in.clear();
  return in;
}

// "a.2.1" and "a[2,1]" are the same column.
std::string canonical(std::string name) {
  for (char& c : name)
    if (c == '[' || c == ',')
      c = '.';
  name.erase(std::remove(name.begin(), name.end(), ']'), name.end());
  return name;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::size_t start = 0;
  while (true) {
    const auto comma = line.find(',', start);
    auto field = line.substr(start, comma - start);
    const auto first = field.find_first_not_of(" \t\r");
    const auto last = field.find_last_not_of(" \t\r");
    fields.push_back(first == std::string::npos ? "" : field.substr(first, last - first + 1));
    if (comma == std::string::npos)
      return fields;
    start = comma + 1;
  }
}

}  // namespace

ContextPtr read_context(const std::string& path) {
  if (path.empty())
    return std::make_shared<stan::io::empty_var_context>();
  auto in = open(path);
  if (split_suffix(path).second == ".json") {
    try {
      return std::make_shared<stan::json::json_data>(in);
    } catch (const std::exception& e) {
      throw std::runtime_error("Cannot read \"" + path + "\": " + e.what());
    }
  }
  std::cerr << "Warning: file '" << path << "' is being read as an 'RDump' file.\n"
            << "  It should be JSON, with the suffix \".json\"." << std::endl;
  return std::make_shared<stan::io::dump>(in);
}

std::vector<std::string> chain_paths(const std::string& path, unsigned int id, int num_chains) {
  if (names_each_chain(path, num_chains))
    return each_chains_path(path, num_chains);
  std::vector<std::string> paths(num_chains, path);
  if (num_chains == 1 || path.empty() || !exists(tagged_path(path, "_" + std::to_string(id))))
    return paths;
  for (int i = 0; i < num_chains; ++i)
    paths[i] = tagged_path(path, "_" + std::to_string(id + i));
  return paths;
}

std::vector<ContextPtr> read_chain_contexts(const std::string& path, unsigned int id, int num_chains) {
  const auto paths = chain_paths(path, id, num_chains);
  std::vector<ContextPtr> contexts;
  for (std::size_t i = 0; i < paths.size(); ++i)
    contexts.push_back(i > 0 && paths[i] == paths[0] ? contexts[0] : read_context(paths[i]));
  return contexts;
}

Init read_init(const std::string& init, unsigned int id, int num_chains) {
  Init out;
  char* end = nullptr;
  const double radius = std::strtod(init.c_str(), &end);
  if (!init.empty() && *end == '\0' && std::isfinite(radius)) {
    out.radius = std::fabs(radius);
    out.contexts = read_chain_contexts("", id, num_chains);
  } else {
    out.contexts = read_chain_contexts(init, id, num_chains);
  }
  return out;
}

Table read_csv(const std::string& path) {
  auto in = open(path);
  Table table;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#' || line == "\r")
      continue;
    const auto fields = split(line);
    if (table.names.empty()) {
      for (const auto& field : fields)
        table.names.push_back(canonical(field));
      continue;
    }
    const auto where = "\"" + path + "\", line " + std::to_string(number) + ": ";
    if (fields.size() != table.names.size())
      throw std::runtime_error(where + std::to_string(fields.size()) + " columns, but the header has "
                               + std::to_string(table.names.size()) + ".");
    std::vector<double> row;
    for (const auto& field : fields) {
      char* end = nullptr;
      row.push_back(std::strtod(field.c_str(), &end));
      if (field.empty() || *end != '\0')
        throw std::runtime_error(where + "\"" + field + "\" is not a number.");
    }
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty())
    throw std::runtime_error("\"" + path + "\" holds no rows.");
  return table;
}

Eigen::MatrixXd columns(const Table& table, const std::vector<std::string>& names, const std::string& path) {
  Eigen::MatrixXd out(table.rows.size(), names.size());
  for (std::size_t j = 0; j < names.size(); ++j) {
    const auto found = std::find(table.names.begin(), table.names.end(), canonical(names[j]));
    if (found == table.names.end())
      throw std::runtime_error("\"" + path + "\" has no column \"" + names[j]
                               + "\", a parameter of this model; was it made with another program?");
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      out(i, j) = table.rows[i][found - table.names.begin()];
  }
  return out;
}

}  // namespace driver
