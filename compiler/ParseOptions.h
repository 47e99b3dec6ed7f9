// How texts become values of options: the functions that the table's rows name. What the kind of an option says of its
// values is checked before (checkValue).
#pragma once

#include "compiler/Options.h"

namespace sinter {

/// `place` maps CompileOptions to the field.
template <auto place> Status setSwitch(const CompileOption &, CompileOptions &options, const std::string &value) {
  place(options) = value == "true";
  return {};
}

template <auto place> Status setText(const CompileOption &, CompileOptions &options, const std::string &value) {
  place(options) = value;
  return {};
}

Status setJobs(const CompileOption &option, CompileOptions &options, const std::string &value);
Status setTuneSeconds(const CompileOption &option, CompileOptions &options, const std::string &value);
Status setShape(const CompileOption &option, CompileOptions &options, const std::string &value);
Status addShapeSet(const CompileOption &option, CompileOptions &options, const std::string &value);
Status setDimension(const CompileOption &option, CompileOptions &options, const std::string &value);
Status addEmpty(const CompileOption &option, CompileOptions &options, const std::string &value);
Status setRange(const CompileOption &option, CompileOptions &options, const std::string &value);
/// From a file.
Status setValue(const CompileOption &option, CompileOptions &options, const std::string &value);
Status setLimit(const CompileOption &option, CompileOptions &options, const std::string &value);
Status addPrintedPass(const CompileOption &option, CompileOptions &options, const std::string &value);

} // namespace sinter
