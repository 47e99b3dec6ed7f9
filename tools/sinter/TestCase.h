// One recorded test case: a folder with model.onnx and test_data_set_*/input_*.pb and output_*.pb.
#pragma once

#include "tools/sinter/CommonOptions.h"
#include "tools/sinter/Compare.h"

namespace sinter {

struct TestOptions {
  CommonOptions common;
  Tolerance tolerance; ///< of the command line: overrides every other
  bool numbersOnly = false;
  bool anyInputs = false; ///< also NaN and Inf, whatever expect.json says

  void declare(CLI::App &app);
  Status finish();

private:
  std::optional<double> rtol_, atol_, ofMax_;
};

enum class TestStatus { Passed, Failed, Skipped };

struct TestResult {
  TestStatus status = TestStatus::Passed;
  std::string reason;
};

/// Compiles and runs the case in this process.
TestResult runTestCase(const std::string &folder, TestOptions &options);

/// Whether `folder` is a case.
bool isTestCase(const std::string &folder);

} // namespace sinter
