"""`sinter compile --sandbox`: the same bytes, nothing left behind, bounded memory and time, and a warning where the system lacks something.
usage: sandbox.py SINTER CONFINED SOURCE_DIR"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sinter, confined, source = sys.argv[1:]
digits = os.path.join(source, "examples", "digits", "digits.onnx")
shape = ["--shape", "image=1x1x8x8", "--target-cpu", "x86-64-v2"]
lacks = []


def run(*command, cwd, status=0, **keywords):
    result = subprocess.run(command, capture_output=True, cwd=cwd, timeout=300, **keywords)
    if result.returncode != status:
        sys.exit(f"{' '.join(map(str, command))}: exit status {result.returncode}, not {status}\n{result.stderr.decode()}")
    return result


def expect(condition, what):
    if not condition:
        sys.exit(f"expected: {what}")


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file()}


def check_same_bytes(folder):
    """Libraries, objects with header and weights, text, streams, dumps."""
    kinds = [["-o", "digits.so"], ["-o", "digits.o", "--emit", "obj", "--standalone", "--weights-file", "digits.weights"],
             ["-o", "digits.s", "--emit", "asm"], ["-o", "digits.mlir", "--emit", "mlir"], ["-o", "-", "--emit", "llvm"],
             ["-o", "dumped.so", "--dump-dir", "dumps"]]
    for kind in kinds:
        made = []
        for options in [], ["--sandbox"]:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                result = run(sinter, "compile", digits, *kind, *shape, *options, cwd=work)
                made.append((files(work), result.stdout, {p.name: p.stat().st_mode for p in pathlib.Path(work).rglob("*") if p.is_file()}))
                lacks.extend(line for line in result.stderr.decode().splitlines() if "--sandbox" in line)
                expect(not [name for name in os.listdir(work) if name.startswith(".")], f"no folder is left: {os.listdir(work)}")
        expect(made[0] == made[1], f"the same outputs with and without --sandbox: {kind}, {made[0][2]} and {made[1][2]}")
        expect(made[0][0] or made[0][1], "some output")


def check_outputs(folder):
    """What is there keeps its permissions, links are followed, an input is not replaced; failures leave all as it was."""
    target = pathlib.Path(folder, "target.so")
    target.write_text("old")
    target.chmod(0o640)
    pathlib.Path(folder, "link.so").symlink_to("target.so")
    run(sinter, "compile", digits, "-o", "link.so", *shape, "--sandbox", cwd=folder)
    expect(target.stat().st_mode & 0o777 == 0o640 and target.read_bytes()[:4] == b"\x7fELF", "the link's target, with its permissions")
    expect(pathlib.Path(folder, "link.so").is_symlink(), "the link")
    before = files(folder)
    pathlib.Path(folder, "bad.onnx").write_bytes(b"no model")
    result = run(sinter, "compile", "bad.onnx", "-o", "link.so", "--sandbox", cwd=folder, status=1)
    expect(result.stderr.decode().count("sinter: error:") == 1, f"one error, not {result.stderr.decode()}")
    del before["link.so"], before["target.so"]
    expect(target.read_bytes()[:4] == b"\x7fELF" and not [n for n in os.listdir(folder) if n.startswith(".")], "all as it was")


def check_external_data(folder):
    """Data beside the model is read where it lies; inspect and explain confine themselves, too."""
    model = os.path.join(source, "tests", "data", "fusion-cases")
    model = next(pathlib.Path(model).rglob("*.onnx"))
    for command in "inspect", "explain":
        plain = run(sinter, command, str(model), cwd=folder)
        confined_run = run(sinter, command, str(model), "--sandbox", cwd=folder)
        expect(plain.stdout == confined_run.stdout, f"{command} says the same with --sandbox")
    yaml = run(sinter, "explain", digits, *shape[:2], "--format", "yaml", "--sandbox", cwd=folder)
    expect(b"!" in yaml.stdout, "remarks, which are written as a file is")


def check_limits(folder):
    text = run(sinter, "compile", digits, "-o", "x.so", *shape, "--sandbox", "--sandbox-memory", "16", cwd=folder, status=1).stderr.decode()
    expect("memory" in text, f"an error that speaks of memory, not {text}")
    # A pipe that nobody ends: by the clock, for no processor time passes.
    os.mkfifo(os.path.join(folder, "pipe.onnx"))
    writer = os.open(os.path.join(folder, "pipe.onnx"), os.O_RDWR)
    begin = time.monotonic()
    text = run(sinter, "compile", "pipe.onnx", "-o", "x.so", "--sandbox", "--sandbox-seconds", "2", cwd=folder, status=1).stderr.decode()
    expect("--sandbox-seconds" in text and time.monotonic() - begin < 20, f"an error after two seconds, not {text}")
    # A process that is ended ends what it confined.
    process = subprocess.Popen([sinter, "compile", "pipe.onnx", "-o", "x.so", "--sandbox"], cwd=folder)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    expect(process.wait(20) == -signal.SIGTERM, "ended by the signal")
    os.close(writer)
    expect(not [n for n in os.listdir(folder) if n != "pipe.onnx"], f"nothing is left: {os.listdir(folder)}")


def check_refusals(folder):
    text = run(sinter, "compile", digits, "-o", "x.so", *shape[:2], "--sandbox", "--tune", cwd=folder, status=1).stderr.decode()
    expect("--tune" in text, f"a refusal, not {text}")


def check_poor_kernels(folder):
    """Where the kernel lacks something, it works and says so."""
    for part in "landlock", "seccomp":
        result = subprocess.run([confined, "without", part, sinter, "compile", digits, "-o", part + ".so", *shape, "--sandbox"], cwd=folder,
                                capture_output=True, timeout=300)
        if result.returncode == 77:
            print(f"not tried: without {part}, as this kernel has no seccomp")
            continue
        expect(result.returncode == 0, f"a compile without {part}: {result.stderr.decode()}")
        expect(part in result.stderr.decode().lower(), f"a warning that names {part}: {result.stderr.decode()}")


def check_confinement(folder):
    result = subprocess.run([confined, "try", folder], capture_output=True, timeout=60)
    print(result.stdout.decode())
    expect(result.returncode in (0, 77), "everything is refused that has to be")


for check in (check_confinement, check_same_bytes, check_outputs, check_external_data, check_limits, check_refusals, check_poor_kernels):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        check(folder)
    print(check.__name__, flush=True)
if lacks:
    print("this system lacks something, which the warnings say:", set(lacks))
