"""Compiles models for other machines, runs them under qemu-user and compares with recorded outputs. Last line: N passed,
N failed, N skipped.
usage: cross.py SINTER SOURCE_DIR WORK_DIR [CASE_DIR ...]   (folders in the layout of ONNX's backend tests, beside the digits)
Needs Debian's qemu-user, g++-aarch64-linux-gnu, g++-riscv64-linux-gnu and python3-onnx; what is missing is skipped."""
import glob
import os
import shutil
import subprocess
import sys

import numpy as np

sinter, source, work = (os.path.abspath(path) for path in sys.argv[1:4])
CASES = sys.argv[4:]


class Target:
    def __init__(self, name, triple, cpu, compiler, emulator):
        self.name, self.triple, self.cpu, self.compiler, self.emulator = name, triple, cpu, compiler, emulator
        self.folder = os.path.join(work, name)
        os.makedirs(self.folder, exist_ok=True)

    def missing(self):
        return [tool for tool in (self.compiler, *self.emulator[:1]) if not shutil.which(tool)]


def foreign(machine):
    return f"{machine}-linux-gnu", f"{machine}-linux-gnu-gcc", [f"qemu-{machine}", "-L", f"/usr/{machine}-linux-gnu"]


def targets():
    arm, arm_gcc, arm_qemu = foreign("aarch64")
    riscv, riscv_gcc, riscv_qemu = foreign("riscv64")
    yield Target("aarch64", arm, "", arm_gcc, [*arm_qemu[:1], "-cpu", "cortex-a53", *arm_qemu[1:]])
    yield Target("riscv64", riscv, "", riscv_gcc, [*riscv_qemu[:1], "-cpu", "rv64,v=false", *riscv_qemu[1:]])
    # Two lengths of vectors: the code must not know which.
    for bits in (128, 256):
        yield Target(f"riscv64-v{bits}", riscv, "rv64gcv", riscv_gcc,
                     [*riscv_qemu[:1], "-cpu", f"rv64,v=true,vlen={bits},elen=64,vext_spec=v1.0", *riscv_qemu[1:]])
    flags = open("/proc/cpuinfo").read()
    for level, flag in ((1, "sse2"), (2, "sse4_2"), (3, "avx2"), (4, "avx512vl")):
        if f" {flag} " in flags:
            yield Target(f"x86-64-v{level}", "x86_64-linux-gnu", f"x86-64-v{level}", "gcc", [])


def run(command, **keywords):
    result = subprocess.run(command, capture_output=True, text=True, **keywords)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def digits_case():
    folder = os.path.join(source, "examples", "digits")
    images, logits = (np.load(os.path.join(folder, f"test_{name}.npy"))[:64] for name in ("images", "logits"))
    return "digits", os.path.join(folder, "digits.onnx"), ["--shape", "image=64x1x8x8"], [images], [logits]


def recorded_case(folder):
    import onnx
    from onnx import numpy_helper

    def tensors(kind):
        count = len(glob.glob(os.path.join(folder, "test_data_set_0", f"{kind}_*.pb")))
        for i in range(count):
            proto = onnx.TensorProto()
            with open(os.path.join(folder, "test_data_set_0", f"{kind}_{i}.pb"), "rb") as file:
                proto.ParseFromString(file.read())
            yield proto.name, numpy_helper.to_array(proto)

    inputs, outputs = list(tensors("input")), list(tensors("output"))
    path = os.path.join(folder, "model.onnx")
    graph = onnx.load(path, load_external_data=False).graph
    initial = {i.name for i in graph.initializer}
    names = [i.name for i in graph.input if i.name not in initial]
    shapes = [f"--shape={name}={'x'.join(map(str, value.shape))}" for name, (_, value) in zip(names, inputs)]
    return os.path.basename(folder.rstrip("/")), path, [*shapes, "--freeze-inputs"], [v for _, v in inputs], [v for _, v in outputs]


def runtime(target):
    """libsinter-runtime for the target's machine, and the program that loads models with it."""
    build = os.path.join(work, f"runtime-{target.triple}")
    toolchain = [] if target.triple.startswith("x86_64") else \
        [f"-DCMAKE_TOOLCHAIN_FILE={source}/cmake/toolchains/{target.triple}.cmake"]
    run(["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DSINTER_RUNTIME_ONLY=ON", "-DCMAKE_BUILD_TYPE=Release", *toolchain])
    run(["ninja", "-C", build])
    program = os.path.join(target.folder, "run")
    run([target.compiler, "-O1", f"-I{source}/include", f"{source}/tests/cross/run.c", "-o", program, f"-L{build}/lib",
         "-lsinter-runtime", f"-Wl,-rpath,{build}/lib"])
    return program


def check(folder, expected):
    for i, reference in enumerate(expected):
        actual = np.fromfile(os.path.join(folder, f"output_{i}.bin"), reference.dtype)
        if actual.size != reference.size:
            raise RuntimeError(f"output {i} has {actual.size} elements, not {reference.size}")
        difference = np.max(np.abs(actual.astype(np.float64) - reference.ravel().astype(np.float64)), initial=0)
        limit = 1e-4 * np.max(np.abs(reference.astype(np.float64)), initial=0)
        if not difference <= limit:
            raise RuntimeError(f"output {i} differs by {difference:.2e}, more than {limit:.2e}")


def check_case(target, program, case):
    name, model, options, inputs, expected = case
    folder = os.path.join(target.folder, name)
    os.makedirs(folder, exist_ok=True)
    files = []
    for i, value in enumerate(inputs):
        files.append(os.path.join(folder, f"input_{i}.bin"))
        np.ascontiguousarray(value).tofile(files[-1])
    machine = ["--target-triple", target.triple, *(["--target-cpu", target.cpu] if target.cpu else []), "--backend", "llvm"]
    for kind in ("so", "obj"):
        for stale in glob.glob(os.path.join(folder, "output_*.bin")):
            os.remove(stale)
        if kind == "so":
            run([sinter, "compile", model, "-o", os.path.join(folder, "model.so"), *machine, *options])
            run([*target.emulator, program, "./model.so", "2", *files], cwd=folder)
        else:
            run([sinter, "compile", model, "-o", os.path.join(folder, "model.o"), "--standalone", *machine, *options])
            run([target.compiler, "-O1", f"-I{folder}", f"{source}/tests/cross/object.c", os.path.join(folder, "model.o"), "-o",
                 os.path.join(folder, "object")])
            sizes = ",".join(str(value.nbytes) for value in expected)
            run([*target.emulator, os.path.join(folder, "object"), sizes, *files], cwd=folder)
        check(folder, expected)


def check_levels(case):
    """One library of all levels chooses under processors that have each."""
    name, model, options, inputs, expected = case
    target = Target("x86-64-levels", "x86_64-linux-gnu", "x86-64-v1,x86-64-v2,x86-64-v3,x86-64-v4", "gcc", [])
    program = runtime(target)
    folder = os.path.join(target.folder, name)
    os.makedirs(folder, exist_ok=True)
    files = [os.path.join(folder, f"input_{i}.bin") for i in range(len(inputs))]
    for file, value in zip(files, inputs):
        np.ascontiguousarray(value).tofile(file)
    run([sinter, "compile", model, "-o", os.path.join(folder, "model.so"), "--target-triple", target.triple, "--target-cpu", target.cpu,
         "--backend", "llvm", *options])
    # qemu shows programs the host's /proc/cpuinfo, so that the loader has to be told what the emulated processor lacks, and
    # faults if it chose wrongly.
    hidden = {"qemu64": "avx512f,avx2,sse4.2", "Nehalem": "avx512f,avx2", "Haswell": "avx512f"}
    for processor, chosen in (("qemu64", "x86-64"), ("Nehalem", "x86-64-v2"), ("Haswell", "x86-64-v3")):
        for stale in glob.glob(os.path.join(folder, "output_*.bin")):
            os.remove(stale)
        answer = run(["qemu-x86_64", "-cpu", processor, program, "./model.so", "2", *files], cwd=folder,
                     env={**os.environ, "SINTER_HIDE_CPU_FEATURES": hidden[processor]}).split()[-1]
        if answer != chosen:
            raise RuntimeError(f"{processor} runs the code for {answer}, not {chosen}")
        check(folder, expected)


def main():
    passed = failed = skipped = 0
    cases = [digits_case(), *map(recorded_case, CASES)]
    for target in targets():
        if target.missing():
            print(f"skipped {target.name}: needs {', '.join(target.missing())}")
            skipped += len(cases)
            continue
        program = runtime(target)
        for case in cases:
            try:
                check_case(target, program, case)
                print(f"PASS {target.name} {case[0]}", flush=True)
                passed += 1
            except RuntimeError as error:
                print(f"FAIL {target.name} {case[0]}: {error}", flush=True)
                failed += 1
    if shutil.which("qemu-x86_64"):
        try:
            check_levels(cases[0])
            print(f"PASS levels of x86-64 {cases[0][0]}")
            passed += 1
        except RuntimeError as error:
            print(f"FAIL levels of x86-64 {cases[0][0]}: {error}")
            failed += 1
    else:
        print("skipped the levels of x86-64: needs qemu-x86_64")
        skipped += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


sys.exit(main())
