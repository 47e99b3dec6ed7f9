"""Sinter compiles trained neural networks (ONNX) to CPU machine code and runs them.

    import sinter
    model = sinter.compile("resnet50.onnx", shapes={"x": (1, 3, 224, 224)})
    y = model(x)              # a NumPy array, or anything that speaks DLPack; no copies
    model.explain()           # what became of every BatchNorm and activation: a table in a notebook
    model.save("resnet50.so")
    model = sinter.Model.load("resnet50.so")
"""
from sinter._compile import Option, compile, compile_to_file, explain, options
from sinter._errors import Error, ErrorCode
from sinter._explanation import Explanation
from sinter._library import version
from sinter._model import Kernel, Model, Session, TensorInfo

__all__ = ["Error", "ErrorCode", "Explanation", "Kernel", "Model", "Option", "Session", "TensorInfo", "compile", "compile_to_file",
           "explain", "options", "version"]
__version__ = version()
