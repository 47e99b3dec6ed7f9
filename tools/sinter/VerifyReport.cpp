// Text names, for each output, what explains its difference; JSON has every field, null where nothing is known.
#include "tools/sinter/VerifyReport.h"

#include "tools/sinter/Json.h"
#include "tools/sinter/Print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sinter {

using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

//===- Text ---------------------------------------------------------------===//

std::string VerifyReport::inputsInWords() const {
  if (!seed)
    return "the given inputs";
  if (sets.size() == 1)
    return fmt::format("random inputs ({}, seed {})", sets[0], *seed);
  return fmt::format("random inputs (seed {}): {}", *seed, fmt::join(sets, ", "));
}

void VerifyReport::print(const OutputReport &output) const {
  sinter::print("  {}  max abs error {:.3g}, max rel error {:.3g}", output.name, output.errors.maxAbs,
                output.errors.maxRel);
  if (output.errors.nonFinite > 0)
    sinter::print(", {} NaN or Inf where the other has none", output.errors.nonFinite);
  if (output.difference && sets.size() > 1)
    sinter::print(", inputs: {}", sets[output.set]);
  sinter::print("\n");
  if (output.bySubnormals)
    sinter::print("    beyond the tolerance only because subnormals are flushed to zero\n");
  else if (output.difference)
    sinter::print("    {}\n", *output.difference);
  if (output.byOverflow)
    sinter::print("    values overflow in '{}', beside an infinity: which infinities and NaN come of it is open\n",
                  steps.at(output.set).overflow);
  if (output.byRounding) {
    const RoundingStep &step = steps.at(output.set);
    sinter::print(
        "    last bits of what '{}' reads change {} of its {} values by a step: that alone moves outputs as far\n",
        step.node, step.changed, step.elements);
  } else if (output.byLastBits) {
    sinter::print("    last bits alone move the output as far on these inputs\n");
  }
}

void VerifyReport::print() const {
  sinter::print("{}: {} beside the reference\n", model, inputsInWords());
  if (!overflow.empty())
    sinter::print("not compared, as values overflow on the way: {}\n", fmt::join(overflow, ", "));
  for (const VariantReport &variant : variants) {
    sinter::print("\n{}: {}\n", variant.name, variant.passed() ? "agrees" : "DIFFERS");
    for (const OutputReport &output : variant.outputs)
      print(output);
    if (variant.firstLayer)
      sinter::print("  first node that differs, of {} compared: {}\n{}", variant.layersCompared, *variant.firstLayer,
                    variant.passed() ? "    the outputs agree: a scale was moved past it on purpose\n" : "");
    else if (variant.layersCompared == 0)
      sinter::print("  no values between kernels to compare\n");
    else if (variant.layersCompared > 0)
      sinter::print("  all {} nodes between kernels agree\n", variant.layersCompared);
  }
  if (!hasPasses)
    return;
  sinter::print("\nThe IR after each pass, evaluated by the reference: largest absolute error\n");
  for (const auto &[pass, error] : passErrors)
    sinter::print("  {:<28} {:.3g}{}\n", pass, error, pass == fault.pass ? "   <- the first beyond the tolerance" : "");
  if (!fault.rewrite.empty())
    sinter::print("The first rewrite of {} that exceeds it: {}\n", fault.pass, fault.rewrite);
  if (fault.pass.empty())
    sinter::print("No pass exceeds the tolerance{}.\n",
                  variants[0].passed() ? "" : ": the generated code does; --layers names the node");
}

//===- JSON ---------------------------------------------------------------===//

Object VerifyReport::toJson() const {
  auto text = [](const std::string &any) { return Value(llvm::json::fixUTF8(any)); };
  auto textOrNull = [&](const std::string &any) { return any.empty() ? Value(nullptr) : text(any); };
  Array rows;
  for (const VariantReport &variant : variants) {
    Array results;
    for (const OutputReport &output : variant.outputs)
      results.push_back(
          Object{{"name", text(output.name)},
                 {"max_abs", finiteOrNull(output.errors.maxAbs)},
                 {"max_rel", finiteOrNull(output.errors.maxRel)},
                 {"nonfinite_mismatches", output.errors.nonFinite},
                 {"passed", !output.isFault()},
                 {"inputs", output.difference && seed ? text(sets[output.set]) : Value(nullptr)},
                 {"explained_by_subnormals", output.bySubnormals},
                 {"explained_by_last_bits", output.byLastBits},
                 {"explained_by_overflow", output.byOverflow ? text(steps.at(output.set).overflow) : Value(nullptr)},
                 {"explained_by_rounding", output.byRounding ? text(steps.at(output.set).node) : Value(nullptr)},
                 {"difference", text(output.difference.value_or(""))}});
    Object row{{"name", variant.name}, {"passed", variant.passed()}, {"outputs", std::move(results)}};
    if (hasLayers)
      row["first_layer"] = variant.firstLayer ? text(*variant.firstLayer) : Value(nullptr);
    rows.push_back(std::move(row));
  }
  Object object{{"model", text(model)},
                {"passed", passed()},
                {"inputs", Array(sets)},
                {"inputs_that_overflow", Array(overflow)},
                {"variants", std::move(rows)}};
  if (!hasPasses)
    return object;
  Array passes;
  for (const auto &[pass, error] : passErrors)
    passes.push_back(Object{{"pass", pass}, {"max_abs", finiteOrNull(error)}});
  object["passes"] = std::move(passes);
  object["first_pass"] = textOrNull(fault.pass);
  object["first_rewrite"] = textOrNull(fault.rewrite);
  return object;
}

} // namespace sinter
