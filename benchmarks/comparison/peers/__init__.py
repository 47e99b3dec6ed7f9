"""One file a peer. The driver reads the catalogue below, which imports none of them; a worker imports its own."""

import dataclasses
import importlib


@dataclasses.dataclass(frozen=True)
class Entry:
    name: str
    title: str
    requirements: tuple = ()   # pip's; "!" in front: without its dependencies
    debian: str = ""           # the package, where it runs on Debian's Python instead of the virtual environment
    note: str = ""             # what a reader of the numbers must know
    caches: bool = True        # what it compiled may be used again in the next comparison


CATALOGUE = {entry.name: entry for entry in (
    Entry("sinter", "Sinter", note="compiled to a .so, run by Sinter's runtime", caches=False),
    Entry("onednn", "Sinter, all in oneDNN", note="sinter compile --backend onednn", caches=False),
    Entry("onnxruntime", "ONNX Runtime", ("onnxruntime==1.30.0",),
          note="default CPU provider, all optimisations, bound input and output"),
    Entry("openvino", "OpenVINO", ("openvino==2026.4.1",), note="one stream, f32, latency hint"),
    Entry("ncnn", "ncnn", ("ncnn==1.0.20261020", "!pnnx==20261020"),
          note="converted by pnnx; f32; a batch runs input by input, since ncnn has none"),
    Entry("iree", "IREE", ("iree-base-compiler==3.13.0", "iree-base-runtime==3.13.0"), note="llvm-cpu for this processor, -O3"),
    Entry("tvm", "TVM", ("apache-tvm==0.27.0.post1",), note="Relax for this processor, not tuned"),
    Entry("pytorch", "PyTorch", debian="python3-torch",
          note="frozen TorchScript, optimised for inference; only models of export_models.py"),
)}


def create(name, settings):
    """The peer called `name`, or "machine"; `settings` are its own, with "threads"."""
    module = "sinter" if name == "onednn" else name
    return importlib.import_module("comparison.peers." + module).create(name, settings)
