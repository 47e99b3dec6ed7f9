// A handler turns each diagnostic into one sentence that begins with its node, and drops repetitions.
#include "ir/DiagnosticCollector.h"
#include "ir/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace sinter::codegen {

DiagnosticCollector::DiagnosticCollector(MLIRContext &context, const std::function<void(const std::string &)> &warn) {
  auto collect = [this, warn](Diagnostic &diagnostic) {
    bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
    if (!isError && diagnostic.getSeverity() != DiagnosticSeverity::Warning)
      return;
    // Who gives a file of IR reads the dialect's words.
    auto file = dyn_cast<FileLineColLoc>(diagnostic.getLocation());
    std::string op, message = file ? diagnostic.str() : nn::messageOf(diagnostic, &op);
    StringRef text = message;
    bool isUnsupported = text.consume_front(nn::unsupportedPrefix);
    std::string name = nn::nameOf(diagnostic.getLocation());
    if (file)
      name = (file.getFilename().getValue() + ":" + Twine(file.getLine())).str();
    bool isNamed = name.empty() || text.contains("'" + name + "'");
    std::string node = op.empty() ? "'" + name + "'" : "node '" + name + "' (" + op + ")";
    std::string whole = (isNamed ? "" : node + ": ") + text.str();
    if (!isError) {
      if (warn)
        warn(whole);
      return;
    }
    allUnsupported &= isUnsupported;
    // An op that became many kernels has the same said of each.
    if (!llvm::is_contained(messages, whole))
      messages.push_back(whole);
  };
  handler = std::make_unique<ScopedDiagnosticHandler>(&context, [collect](Diagnostic &diagnostic) {
    collect(diagnostic);
    return success();
  });
}

Failure DiagnosticCollector::failure(const std::string &fallback) const {
  if (messages.empty())
    return {ErrorCode::Internal, fallback};
  constexpr size_t shown = 5;
  std::string text = llvm::join(llvm::ArrayRef(messages).take_front(shown), "; ");
  if (messages.size() > shown)
    text += "; and " + std::to_string(messages.size() - shown) + " errors more";
  return {allUnsupported ? ErrorCode::Unsupported : ErrorCode::InvalidFile, text};
}

} // namespace sinter::codegen
