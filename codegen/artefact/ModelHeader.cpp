// The text is a comment that lists inputs and outputs, then runtime/Abi.h, then the declaration of the model.
#include "codegen/artefact/ModelHeader.h"
#include "codegen/AbiText.inc"

namespace sinter::codegen {

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
  std::string tables, stack;
  for (const Variant &variant : program.variants) {
    stack += (stack.empty() ? "" : ", ") + std::to_string(variant.stackBytes);
    tables += std::string(tables.empty() ? "   inputs are\n"
                                         : "   or, of the next variant (sinter_model.next, and so on), inputs are\n") +
              listing(variant.tables.inputs) + "   outputs are\n" + listing(variant.tables.outputs);
  }
  return "/* A compiled model. Run it single-threaded with sinter_model.run(&call), where call is a SinterCall of "
         "zeros but for\n"
         "   self = sinter_model.self, inputs, outputs, and arena, sinter_model.arenaBytes bytes, aligned to "
         "SINTER_ALIGNMENT.\n"
         "   It needs sinter_model.stackBytes bytes of stack, here " +
         stack + ", and\n" + tables + "*/\n" + abiText +
         "\n#ifdef __cplusplus\nextern \"C\"\n#endif\nextern const SinterModel sinter_model;\n";
}

} // namespace sinter::codegen
