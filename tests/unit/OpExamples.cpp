// See the header.
#include "tests/unit/OpExamples.h"
#include <fstream>
#include <regex>
#include <set>

namespace sinter {

std::vector<Example> readExamples() {
  std::ifstream file(SINTER_SOURCE_DIR "/docs/ops.md");
  std::vector<Example> examples;
  std::string line, op;
  bool inside = false;
  while (std::getline(file, line)) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex("^### `(nn\\.[a-z0-9_]+)`")))
      op = match[1];
    if (line.find("```mlir") != std::string::npos) {
      examples.push_back({op, ""});
      inside = true;
    } else if (line.find("```") != std::string::npos) {
      inside = false;
    } else if (inside) {
      examples.back().body += line + "\n";
    }
  }
  return examples;
}

/// "tensor<2xf32>, tensor<f32>" at commas outside brackets.
static std::vector<std::string> splitTypes(const std::string &text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (char c : text) {
    depth += (c == '<' || c == '(') - (c == '>' || c == ')');
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else if (!std::isspace(c) || !parts.back().empty())
      parts.back() += c;
  }
  return parts;
}

std::string wrap(const std::string &body) {
  std::vector<std::string> names, types, results;
  std::set<std::string> defined;
  std::string lastResult, lastTypes;
  const std::regex statement(
      "(?:^|\\n)\\s*(%\\w+)(?::(\\d+))?((?:\\s*,\\s*%\\w+)*)\\s*=\\s*nn\\.\\w+([^{:]*)");
  std::vector<std::smatch> found(std::sregex_iterator(body.begin(), body.end(), statement),
                                 std::sregex_iterator());
  for (size_t i = 0; i < found.size(); ++i) {
    auto end = i + 1 < found.size() ? body.begin() + found[i + 1].position() : body.end();
    std::string text(body.begin() + found[i].position(), end);
    size_t open = text.rfind(": (");
    size_t arrow = open == std::string::npos ? open : text.find("->", open);
    size_t close = arrow == std::string::npos ? arrow : text.rfind(')', arrow);
    lastResult = found[i][1].str();
    std::string group = found[i][2];
    if (!found[i][3].str().empty())
      lastResult += found[i][3];
    else if (!group.empty()) {
      lastResult = lastResult + "#0";
      for (int k = 1; k < std::stoi(group); ++k)
        lastResult += ", " + found[i][1].str() + "#" + std::to_string(k);
    }
    if (close != std::string::npos) {
      lastTypes = text.substr(arrow + 2);
      std::vector<std::string> operandTypes = splitTypes(text.substr(open + 3, close - open - 3));
      std::string operandText = found[i][4];
      const std::regex name("%\\w+");
      size_t k = 0;
      for (std::sregex_iterator it(operandText.begin(), operandText.end(), name), none; it != none; ++it, ++k)
        if (!defined.count(it->str()) && k < operandTypes.size()) {
          names.push_back(it->str());
          types.push_back(operandTypes[k]);
          defined.insert(it->str());
        }
    } else if (size_t colon = text.rfind(" : "); colon != std::string::npos) {
      lastTypes = text.substr(colon + 3);
    }
    const std::string left = found[i][1].str() + found[i][3].str();
    const std::regex name("%\\w+");
    for (std::sregex_iterator it(left.begin(), left.end(), name), none; it != none; ++it)
      defined.insert(it->str());
  }
  std::string trimmed = std::regex_replace(lastTypes, std::regex("^\\s*\\(?|\\)?\\s*$"), "");
  std::string text = "func.func @main(";
  for (size_t i = 0; i < names.size(); ++i)
    text += (i ? ", " : "") + names[i] + ": " + types[i] + " {nn.name = \"" + names[i].substr(1) + "\"}";
  text += ") -> (";
  std::vector<std::string> resultTypes = splitTypes(trimmed);
  for (size_t i = 0; i < resultTypes.size(); ++i)
    text += (i ? ", " : "") + resultTypes[i] + " {nn.name = \"result" + std::to_string(i) + "\"}";
  return text + ") {\n" + body + "  return " + lastResult + " : " + trimmed + "\n}\n";
}

} // namespace sinter
