// method=log_prob
#include "run.hpp"

#include <stan/model/log_prob_grad.hpp>

#include <iostream>

namespace driver {

namespace {

using Points = std::vector<std::vector<double>>;

bool is_json(const std::string& path) { return split_suffix(path).second == ".json"; }

// A vector, or an array of vectors, called params_r; or the rows of a CSV file.
Points read_unconstrained(const Run& run, const std::string& path) {
  const std::size_t size = run.model.num_params_r();
  Points points;
  if (is_json(path)) {
    const auto context = read_context(path);
    if (!context->contains_r("params_r"))
      throw std::runtime_error("\"" + path + "\" has no variable \"params_r\", the unconstrained parameters.");
    const auto values = context->vals_r("params_r");
    const auto dims = context->dims_r("params_r");
    const std::size_t rows = dims.size() > 1 ? dims[0] : 1;
    if (dims.size() > 2 || values.size() != rows * size)
      throw std::runtime_error("\"" + path + "\": params_r must hold " + std::to_string(size)
                               + " numbers per point; it has " + std::to_string(values.size()) + " for "
                               + std::to_string(rows) + " point(s).");
    // Values are in column-major order.
    for (std::size_t i = 0; i < rows; ++i) {
      points.emplace_back();
      for (std::size_t j = 0; j < size; ++j)
        points.back().push_back(values[i + j * rows]);
    }
    return points;
  }
  points = read_csv(path).rows;
  for (const auto& point : points)
    if (point.size() != size)
      throw std::runtime_error("\"" + path + "\" has " + std::to_string(point.size()) + " columns; the model has "
                               + std::to_string(size) + " unconstrained parameters.");
  return points;
}

Points read_constrained(const Run& run, const std::string& path) {
  Points points;
  if (is_json(path)) {
    Eigen::VectorXd point;
    run.model.transform_inits(*read_context(path), point, &std::cout);
    points.emplace_back(point.data(), point.data() + point.size());
    return points;
  }
  std::vector<std::string> names;
  run.model.constrained_param_names(names, false, false);
  const Eigen::MatrixXd rows = columns(read_csv(path), names, path);
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    const Eigen::VectorXd constrained = rows.row(i);
    Eigen::VectorXd point;
    run.model.unconstrain_array(constrained, point, &std::cout);
    points.emplace_back(point.data(), point.data() + point.size());
  }
  return points;
}

}  // namespace

int log_prob(Run& run) {
  const std::string unconstrained = run.args.text("log_prob.unconstrained_params");
  const std::string constrained = run.args.text("log_prob.constrained_params");
  if (unconstrained.empty() && constrained.empty())
    throw usage_error("method=log_prob needs constrained_params=<file>, unconstrained_params=<file> or both.");
  Points points;
  if (!unconstrained.empty())
    points = read_unconstrained(run, unconstrained);
  if (!constrained.empty())
    for (auto& point : read_constrained(run, constrained))
      points.push_back(std::move(point));

  const bool jacobian = run.args.flag("log_prob.jacobian");
  CsvWriter output = run.open_csv(run.output_path("", 0, 1));
  std::vector<std::string> names;
  run.model.unconstrained_param_names(names, false, false);
  for (auto& name : names)
    name.insert(0, "g_");
  names.insert(names.begin(), "lp__");
  output(names);
  std::vector<int> no_integers;
  std::vector<double> row;
  for (auto& point : points) {
    const double lp = jacobian
                          ? stan::model::log_prob_grad<true, true>(run.model, point, no_integers, row, &std::cout)
                          : stan::model::log_prob_grad<true, false>(run.model, point, no_integers, row, &std::cout);
    row.insert(row.begin(), lp);
    output(row);
  }
  output.finish();
  return 0;
}

}  // namespace driver
