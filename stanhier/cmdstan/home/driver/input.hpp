// What a run reads: data, initial values, metrics, draws of an earlier fit.
#ifndef DRIVER_INPUT_HPP
#define DRIVER_INPUT_HPP

#include <stan/io/var_context.hpp>
#include <stan/math/prim/fun/Eigen.hpp>

#include <memory>
#include <string>
#include <vector>

namespace driver {

using ContextPtr = std::shared_ptr<const stan::io::var_context>;

// An empty path gives an empty context; ".json" is JSON, everything else R's dump format.
ContextPtr read_context(const std::string& path);

// One path per chain: those of a list with commas, or "f_<id>.json", "f_<id+1>.json", ... if the first of them exists, else "f.json" for all.
std::vector<std::string> chain_paths(const std::string& path, unsigned int id, int num_chains);
std::vector<ContextPtr> read_chain_contexts(const std::string& path, unsigned int id, int num_chains);

struct Init {
  double radius = 2;
  std::vector<ContextPtr> contexts;  // one per chain
};
Init read_init(const std::string& init, unsigned int id, int num_chains);

// A CSV file with comments: names and rows.
struct Table {
  std::vector<std::string> names;
  std::vector<std::vector<double>> rows;
};
Table read_csv(const std::string& path);
// The columns with these names, in this order; an error names the column that is missing.
Eigen::MatrixXd columns(const Table& table, const std::vector<std::string>& names, const std::string& path);

}  // namespace driver

#endif
