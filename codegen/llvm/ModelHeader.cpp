// See the header.
#include "codegen/llvm/ModelHeader.h"
#include "codegen/AbiText.inc"

namespace sinter::codegen {

std::string headerPath(const std::string &objectPath) {
  size_t dot = objectPath.rfind('.'), slash = objectPath.rfind('/');
  bool hasEnding = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return objectPath.substr(0, hasEnding ? dot : objectPath.size()) + ".h";
}

/// "   0  x: f32 1x3x224x224", with what could end the comment taken out of the name.
static std::string listing(const std::vector<TensorEntry> &entries) {
  std::string text;
  for (size_t i = 0; i < entries.size(); ++i) {
    std::string name = entries[i].name;
    for (char &c : name)
      if (c == '*' || c == '\n' || c == '\r' || c == '\\')
        c = '_';
    text += "     " + std::to_string(i) + "  " + name + ": " + std::string(nameOf(entries[i].type)) + " " +
            toString(entries[i].shape) + "\n";
  }
  return text;
}

std::string modelHeader(const Program &program) {
  std::string tables;
  for (const Variant &variant : program.variants)
    tables += std::string(tables.empty() ? "   inputs are\n" : "   or, of the next variant (sinter_model.next, and so on), inputs are\n") +
              listing(variant.tables.inputs) + "   outputs are\n" + listing(variant.tables.outputs);
  return "/* A compiled model. Run it single-threaded with sinter_model.run(&call), where call is a SinterCall of zeros but for\n"
         "   self = sinter_model.self, inputs, outputs, and arena, sinter_model.arenaBytes bytes, aligned to SINTER_ALIGNMENT, and\n" +
         tables + "*/\n" + abiText + "\n#ifdef __cplusplus\nextern \"C\"\n#endif\nextern const SinterModel sinter_model;\n";
}

} // namespace sinter::codegen
