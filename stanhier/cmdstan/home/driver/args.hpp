// The command line: a tree of arguments, declared as data in grammar.cpp.
#ifndef DRIVER_ARGS_HPP
#define DRIVER_ARGS_HPP

#include <limits>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace driver {

// Wrong use of the command line; the message is ready to be shown.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by the words `help` and `help-all`; carries the text to show.
class help_request : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;

  bool contains(double x) const;
  std::string describe() const;
};

// One argument. A group holds arguments, a choice holds its options (which are groups, often empty);
// all other kinds hold a value.
struct Arg {
  enum class Kind { group, choice, boolean, integer, real, text };

  Kind kind = Kind::group;
  std::string name;
  std::string help;
  double number = 0;  // boolean, integer, real
  std::string text;   // choice (name of the option), text
  double default_number = 0;
  std::string default_text;
  Range range;
  bool given = false;
  std::vector<Arg> children;

  bool is_default() const;
  std::string shown() const;  // the value as it is printed
  const Arg* child(const std::string& name) const;
  const Arg& chosen() const;  // the chosen option of a choice
};

class Args {
 public:
  explicit Args(Arg root) : root_(std::move(root)) {}

  // Reads the words after the program's name.
  void parse(const std::vector<std::string>& words);

  // Paths leave out the names of choices: "sample.hmc.nuts.max_depth".
  bool flag(const std::string& path) const { return find(path).number != 0; }
  int integer(const std::string& path) const { return static_cast<int>(find(path).number); }
  unsigned int natural(const std::string& path) const { return static_cast<unsigned int>(find(path).number); }
  double real(const std::string& path) const { return find(path).number; }
  const std::string& text(const std::string& path) const { return find(path).text; }
  bool given(const std::string& path) const { return find(path).given; }
  void set_number(const std::string& path, double value, bool as_default);

  // The tree with all values in force, two blanks per level, each line after `prefix`.
  void print(std::ostream& out, const std::string& prefix) const;
  // The same as members of a JSON object.
  void print_json(std::ostream& out, int indent) const;
  std::string help(bool all) const;

 private:
  const Arg& find(const std::string& path) const;

  Arg root_;
};

// A string of JSON.
std::string json_text(const std::string& text);

// The whole tree of arguments (grammar.cpp).
Args make_args();

}  // namespace driver

#endif
