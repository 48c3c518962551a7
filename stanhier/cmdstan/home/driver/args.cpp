#include "args.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <sstream>

namespace driver {

using Kind = Arg::Kind;

namespace {

std::string join(const std::vector<std::string>& words, const std::string& separator) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : separator) + word;
  return out;
}

std::string number_text(Kind kind, double x) {
  std::ostringstream out;
  if (kind == Kind::boolean)
    return x != 0 ? "true" : "false";
  if (kind == Kind::integer)
    out << static_cast<long long>(x);
  else
    out << x;
  return out.str();
}

bool parse_number(const std::string& text, double& out) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text[0])))
    return false;
  char* end = nullptr;
  out = std::strtod(text.c_str(), &end);
  return *end == '\0' && !std::isnan(out);
}

std::vector<std::string> option_names(const Arg& choice) {
  std::vector<std::string> names;
  for (const auto& option : choice.children)
    names.push_back(option.name);
  return names;
}

std::string accepted(const Arg& arg) {
  switch (arg.kind) {
    case Kind::choice:
      return join(option_names(arg), " | ");
    case Kind::boolean:
      return "true | false (or 1 | 0)";
    case Kind::integer:
      return "a whole number" + arg.range.describe();
    case Kind::real:
      return "a number" + arg.range.describe();
    case Kind::text:
      return "text";
    default:
      return "";
  }
}

void assign(Arg& arg, const std::string& value) {
  double x = 0;
  bool good = true;
  switch (arg.kind) {
    case Kind::text:
      arg.text = value;
      break;
    case Kind::choice: {
      const auto names = option_names(arg);
      good = std::find(names.begin(), names.end(), value) != names.end();
      if (good)
        arg.text = value;
      break;
    }
    case Kind::boolean:
      good = value == "0" || value == "1" || value == "true" || value == "false";
      x = value == "1" || value == "true";
      break;
    case Kind::integer:
      // 2^53: beyond it a double no longer holds every whole number.
      good = parse_number(value, x) && x == std::floor(x) && std::fabs(x) < 9007199254740992.0
             && value.find_first_of(".xXpP") == std::string::npos && arg.range.contains(x);
      break;
    case Kind::real:
      good = parse_number(value, x) && arg.range.contains(x);
      break;
    case Kind::group:
      good = false;
      break;
  }
  if (!good)
    throw usage_error(value + " is not a valid value for \"" + arg.name + "\"\n  Accepted: " + accepted(arg) + ".");
  if (arg.kind != Kind::text && arg.kind != Kind::choice)
    arg.number = x;
  arg.given = true;
}

// Where in the tree an argument of this name exists, for "misplaced".
void places(const Arg& arg, const std::string& where, const std::string& name, std::vector<std::string>& out) {
  for (const auto& child : arg.children) {
    if (child.name == name && arg.kind == Kind::group)
      out.push_back(where.empty() ? "at the top level" : "after \"" + where + "\"");
    if (child.kind == Kind::choice) {
      for (const auto& option : child.children)
        places(option, (where.empty() ? "" : where + " ") + child.name + "=" + option.name, name, out);
    } else if (child.kind == Kind::group) {
      places(child, (where.empty() ? "" : where + " ") + child.name, name, out);
    }
  }
}

std::vector<std::string> child_names(const Arg& group) {
  std::vector<std::string> names;
  for (const auto& child : group.children)
    names.push_back(child.name);
  return names;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string closest(const std::string& name, const std::vector<std::string>& names) {
  std::string best;
  std::size_t distance = 3;
  for (const auto& candidate : names) {
    const std::size_t d = edit_distance(name, candidate);
    if (d < distance && d < candidate.size()) {
      distance = d;
      best = candidate;
    }
  }
  return best;
}

std::string unknown_word(const std::string& word, const std::vector<Arg*>& scopes, const Arg& root) {
  const std::string name = word.substr(0, word.find('='));
  std::ostringstream out;
  out << word << " is either mistyped or misplaced.";
  std::vector<std::string> where;
  places(root, "", name, where);
  std::vector<std::string> here;
  for (const Arg* scope : scopes)
    for (const auto& allowed : child_names(*scope))
      here.push_back(allowed);
  const std::string guess = closest(name, here);
  if (!where.empty())
    out << "\n  \"" << name << "\" is allowed " << join(where, ", ") << ".";
  else if (!guess.empty())
    out << "\n  Did you mean \"" << guess << "\"?";
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (!(*scope)->children.empty())
      out << "\n  Allowed " << (*scope == &root ? "at the top level" : "in " + (*scope)->name) << ": "
          << join(child_names(**scope), ", ") << ".";
  return out.str();
}

void describe(std::ostream& out, const Arg& arg, int depth, bool all) {
  const std::string pad(2 * depth, ' ');
  out << pad << arg.name;
  if (arg.kind == Kind::group)
    out << (depth == 0 || arg.help.empty() ? "" : " ...");
  else
    out << "=<" << (arg.kind == Kind::text ? "text" : accepted(arg)) << ">";
  out << "\n";
  if (!arg.help.empty())
    out << pad << "    " << arg.help << "\n";
  if (arg.kind != Kind::group)
    out << pad << "    Default: "
        << (arg.kind == Kind::text || arg.kind == Kind::choice
                ? (arg.default_text.empty() ? "none" : arg.default_text)
                : number_text(arg.kind, arg.default_number))
        << "\n";
  if (!all)
    return;
  for (const auto& child : arg.children)
    if (arg.kind == Kind::group || !child.help.empty() || !child.children.empty())
      describe(out, child, depth + 1, all);
}

std::string help_text(const Arg& scope, bool is_root, bool all) {
  std::ostringstream out;
  if (is_root)
    out << "Usage: <model> <method> [<argument>=<value> ...] [data file=<file>] [output file=<file>] ...\n"
        << "       <model> info        what the program was built with\n"
        << "       <model> help-all    every argument\n"
        << "       <model> <method> help    the arguments of one method\n\n"
        << "Arguments:\n";
  else
    out << "Arguments of " << scope.name << ":\n";
  for (const auto& child : scope.children)
    describe(out, child, 1, all);
  return out.str();
}

void print_tree(std::ostream& out, const Arg& arg, const std::string& prefix, int depth) {
  const std::string start = prefix + std::string(2 * depth, ' ');
  if (arg.kind == Kind::group) {
    out << start << arg.name << "\n";
    for (const auto& child : arg.children)
      print_tree(out, child, prefix, depth + 1);
    return;
  }
  out << start << arg.name << " = " << arg.shown() << (arg.is_default() ? " (Default)" : "") << "\n";
  if (arg.kind == Kind::choice && !arg.chosen().children.empty())
    print_tree(out, arg.chosen(), prefix, depth + 1);
}

void json_members(std::ostream& out, const std::vector<Arg>& args, int indent);

void json_value(std::ostream& out, const Arg& arg, int indent) {
  const std::string pad(indent, ' ');
  if (arg.kind == Kind::group) {
    out << "{\n";
    json_members(out, arg.children, indent + 2);
    out << "\n" << pad << "}";
  } else if (arg.kind == Kind::choice) {
    out << "{\n" << pad << "  \"value\" : " << json_text(arg.text);
    if (!arg.chosen().children.empty()) {
      out << ",\n" << pad << "  " << json_text(arg.text) << " : ";
      json_value(out, arg.chosen(), indent + 2);
    }
    out << "\n" << pad << "}";
  } else if (arg.kind == Kind::text) {
    out << json_text(arg.text);
  } else {
    out << arg.shown();
  }
}

void json_members(std::ostream& out, const std::vector<Arg>& args, int indent) {
  bool first = true;
  for (const auto& arg : args) {
    out << (first ? "" : ",\n") << std::string(indent, ' ') << json_text(arg.name) << " : ";
    json_value(out, arg, indent);
    first = false;
  }
}

const Arg* descend(const Arg& arg, const std::string& name) {
  for (const auto& child : arg.children) {
    if (child.name == name)
      return &child;
    if (child.kind == Kind::choice)
      for (const auto& option : child.children)
        if (option.name == name)
          return &option;
  }
  return nullptr;
}

}  // namespace

std::string json_text(const std::string& text) {
  std::ostringstream out;
  out << '"';
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out << '\\' << c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out << "\\u00" << "0123456789abcdef"[(c >> 4) & 15] << "0123456789abcdef"[c & 15];
    else
      out << c;
  }
  out << '"';
  return out.str();
}

bool Range::contains(double x) const {
  return (low_open ? x > low : x >= low) && (high_open ? x < high : x <= high);
}

std::string Range::describe() const {
  std::ostringstream out;
  out.precision(10);
  if (std::isfinite(low))
    out << (low_open ? " > " : " >= ") << low;
  if (std::isfinite(high))
    out << (std::isfinite(low) ? " and" : "") << (high_open ? " < " : " <= ") << high;
  return out.str();
}

bool Arg::is_default() const {
  return kind == Kind::text || kind == Kind::choice ? text == default_text : number == default_number;
}

std::string Arg::shown() const {
  return kind == Kind::text || kind == Kind::choice ? text : number_text(kind, number);
}

const Arg* Arg::child(const std::string& wanted) const {
  for (const auto& each : children)
    if (each.name == wanted)
      return &each;
  return nullptr;
}

const Arg& Arg::chosen() const { return *child(text); }

const Arg& Args::find(const std::string& path) const {
  const Arg* arg = &root_;
  std::istringstream words(path);
  for (std::string word; std::getline(words, word, '.');) {
    arg = descend(*arg, word);
    if (arg == nullptr)
      throw std::logic_error("no argument " + path);
  }
  return *arg;
}

void Args::set_number(const std::string& path, double value, bool as_default) {
  Arg& arg = const_cast<Arg&>(find(path));
  arg.number = value;
  if (as_default)
    arg.default_number = value;
}

void Args::parse(const std::vector<std::string>& words) {
  std::vector<Arg*> scopes{&root_};
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const bool bare = equals == std::string::npos;
    const std::string name = word.substr(0, equals);
    if (bare && (word == "help" || word == "help-all"))
      throw help_request(help_text(*scopes.back(), scopes.size() == 1, word == "help-all"));
    // Inner scopes that do not know the name are left for good.
    std::size_t level = scopes.size();
    Arg* found = nullptr;
    std::string value = bare ? "" : word.substr(equals + 1);
    while (found == nullptr && level > 0) {
      found = const_cast<Arg*>(scopes[level - 1]->child(name));
      if (found == nullptr && bare && level == 1) {
        // The method may be named alone: `sample` for `method=sample`.
        Arg& method = root_.children.front();
        if (method.child(name) != nullptr) {
          found = &method;
          value = name;
        }
      }
      if (found == nullptr)
        --level;
    }
    const bool wants_value = found != nullptr && found->kind != Kind::group;
    if (found == nullptr || (wants_value && bare && value.empty()) || (!wants_value && !bare))
      throw usage_error(unknown_word(word, scopes, root_)
                        + (wants_value ? "\n  \"" + name + "\" needs a value: " + name + "=..." : ""));
    scopes.resize(level);
    if (level == 1 && found->given)
      throw usage_error(word + " is either mistyped or misplaced.\n  \"" + found->name + "\" was given before.");
    if (found->kind == Kind::group) {
      found->given = true;
      scopes.push_back(found);
    } else {
      assign(*found, value);
      if (found->kind == Kind::choice)
        scopes.push_back(const_cast<Arg*>(&found->chosen()));
    }
  }
}

void Args::print(std::ostream& out, const std::string& prefix) const {
  for (const auto& child : root_.children)
    print_tree(out, child, prefix, 0);
}

void Args::print_json(std::ostream& out, int indent) const { json_members(out, root_.children, indent); }

std::string Args::help(bool all) const { return help_text(root_, true, all); }

}  // namespace driver
