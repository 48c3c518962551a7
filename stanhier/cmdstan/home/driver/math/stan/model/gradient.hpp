// Stands in for stan/model/gradient.hpp: the same two functions, but the stream for a program's own messages is made
// once per thread. Making one asks the locale for its parts, a tenth of the time of a small program's gradient.
#ifndef STAN_MODEL_GRADIENT_HPP
#define STAN_MODEL_GRADIENT_HPP

#include <stan/callbacks/logger.hpp>
#include <stan/math/rev.hpp>
#include <stan/model/model_functional.hpp>
#include <ostream>
#include <sstream>

namespace stan {
namespace model {

template <class M>
void gradient(const M& model, const Eigen::VectorXd& at, double& value, Eigen::VectorXd& derivatives,
              std::ostream* messages = nullptr) {
  math::gradient(model_functional<M>(model, messages), at, value, derivatives);
}

template <class M>
void gradient(const M& model, const Eigen::VectorXd& at, double& value, Eigen::VectorXd& derivatives,
              callbacks::logger& logger) {
  thread_local std::stringstream messages;
  // Also when the gradient throws.
  struct Report {
    callbacks::logger& logger;
    ~Report() {
      if (messages.tellp() <= 0)
        return;
      logger.info(messages);
      messages.str("");
      messages.clear();
    }
  } report{logger};
  gradient(model, at, value, derivatives, &messages);
}

}  // namespace model
}  // namespace stan
#endif
