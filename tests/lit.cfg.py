# lit over the tests that are said in IR.
import os

import lit.formats

config.name = "sinter"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.excludes = ["data"]
config.environment["PATH"] = os.pathsep.join([config.sinter_bin, config.llvm_bin, os.environ["PATH"]])
config.substitutions.append(("%sinter_source", config.sinter_source))
