"""Compiles models to standalone objects, builds programs around them and looks at what those need and do.
usage: standalone.py SINTER SOURCE_DIR WORK_DIR CC CXX"""
import os
import re
import struct
import subprocess
import sys

sinter, source, work, cc, cxx = sys.argv[1:]
STRICT = ["-std=c99", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-O1"]


def run(*command, **keywords):
    result = subprocess.run(command, capture_output=True, text=True, cwd=work, **keywords)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
    return result.stdout


def compile_model(model, output, *options):
    run(sinter, "compile", model, "-o", output, "--emit", "obj", "--standalone", *options)


def write(name, text):
    with open(os.path.join(work, name), "w") as file:
        file.write(text)


def expect(condition, what):
    if not condition:
        sys.exit(f"expected: {what}")


def symbols(path, kind):
    return [line.split()[-1] for line in run("nm", kind, "--extern-only", path).splitlines() if line.strip()]


def read_npy(path):
    data = open(path, "rb").read()
    length = struct.unpack("<H", data[8:10])[0]
    return data[10 + length:]


def check_digits():
    """The example: 30 lines of C99 that agree with the labels as the other programs do; libc alone."""
    digits = os.path.join(source, "examples", "digits")
    compile_model(os.path.join(digits, "digits.onnx"), "digits.o", "--shape", "image=1x1x8x8", "--target-cpu", "x86-64-v3")
    expect(symbols("digits.o", "--defined-only") == ["digits_invoke"], "one exported symbol")
    expect(symbols("digits.o", "--undefined-only") == [], "nothing undefined")
    run(cc, *STRICT, "-I.", os.path.join(source, "examples", "standalone", "classify.c"), "digits.o", "-o", "classify")
    libraries = re.findall(r"^\s*(\S+?)\.so", run("ldd", "classify"), re.MULTILINE)
    expect({os.path.basename(name) for name in libraries} <= {"linux-vdso", "libc", "libm", "/lib64/ld-linux-x86-64", "ld-linux-x86-64"},
           f"libc and libm only, not {libraries}")
    images = struct.iter_unpack("<f", read_npy(os.path.join(digits, "test_images.npy")))
    labels = [v for v, in struct.iter_unpack("<q", read_npy(os.path.join(digits, "test_labels.npy")))]
    text = " ".join(str(v * 16) for v, in images)
    answers = [int(line) for line in run("./classify", input=text).split()]
    right = sum(a == b for a, b in zip(answers, labels))
    expect(len(answers) == 400 and right == 394, f"394 of 400 right, not {right} of {len(answers)}")


HOOKED = r"""
#define _GNU_SOURCE
#include "digits.h"
#include "other.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int running, allocations;
extern void *__libc_malloc(size_t);
void *malloc(size_t n) { allocations += running; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { void *p = malloc(n * m); if (p) memset(p, 0, n * m); return p; }
void *memalign(size_t a, size_t n) { (void)a; (void)n; abort(); }
void *realloc(void *p, size_t n) { (void)p; (void)n; abort(); }
static int32_t parallel(void *context, int32_t kernel, digits_task task, void *const *buffers, int64_t total, int64_t grain) {
  int64_t begin;
  (void)kernel;
  ++*(int *)context;
  for (begin = 0; begin < total; begin += grain)
    task(buffers, begin, begin + grain < total ? begin + grain : total);
  return 0;
}
static int32_t refuse(void *context, int32_t kernel, digits_task task, void *const *buffers, int64_t total, int64_t grain) {
  (void)context; (void)kernel; (void)task; (void)buffers; (void)total; (void)grain;
  return 77;
}
static float image[DIGITS_IN_IMAGE_SIZE], first[DIGITS_OUT_LOGITS_SIZE], second[DIGITS_OUT_LOGITS_SIZE], third[OTHER_OUT_LOGITS_SIZE];
int main(void) {
  void *scratch = aligned_alloc(DIGITS_ALIGNMENT, (DIGITS_SCRATCH_BYTES + 63) / 64 * 64);
  void *scratch2 = aligned_alloc(OTHER_ALIGNMENT, (OTHER_SCRATCH_BYTES + 63) / 64 * 64);
  void *weights = aligned_alloc(OTHER_ALIGNMENT, (OTHER_WEIGHT_BYTES + 127) / 64 * 64);
  FILE *file = fopen("other.weights", "rb");
  int calls = 0, i;
  digits_threads threads = {&calls, parallel, NULL}, refusing = {NULL, refuse, NULL};
  for (i = 0; i < DIGITS_IN_IMAGE_SIZE; ++i)
    image[i] = (float)(i * 7 % 16) / 16;
  if (fread(weights, 1, OTHER_WEIGHT_BYTES, file) != OTHER_WEIGHT_BYTES)
    return 10;
  if (other_run(image, third, scratch2, NULL) != 1)
    return 11;
  if (other_use_weights(weights, OTHER_WEIGHT_BYTES - 1) != 1 || other_use_weights((char *)weights + 1, OTHER_WEIGHT_BYTES) != 2)
    return 12;
  ((char *)weights)[5] ^= 1;
  if (other_use_weights(weights, OTHER_WEIGHT_BYTES) != 3)
    return 13;
  ((char *)weights)[5] ^= 1;
  if (other_use_weights(weights, OTHER_WEIGHT_BYTES) != 0)
    return 14;
  running = 1;
  if (digits_run(image, first, scratch, NULL) || digits_run(image, second, scratch, &threads) || other_run(image, third, scratch2, NULL))
    return 15;
  running = 0;
  if (allocations != 0 || calls == 0)
    return 16;
  if (memcmp(first, second, sizeof first) || memcmp(first, third, sizeof first))
    return 17;
  if (digits_run(image, second, scratch, &refusing) != 77)
    return 18;
  return first[0] == first[1] ? 19 : 0;
}
"""


def check_two_models():
    """Two in one program, one with its weights in a file: no allocation, same bits by ranges and whole, errors as promised."""
    digits = os.path.join(source, "examples", "digits", "digits.onnx")
    compile_model(digits, "second.o", "--shape", "image=1x1x8x8", "--target-cpu", "x86-64-v3", "--symbol", "other",
                  "--weights-file", os.path.join(work, "other.weights"))
    os.replace(os.path.join(work, "second.h"), os.path.join(work, "other.h"))
    expect(os.path.getsize(os.path.join(work, "second.o")) < 50_000, "an object without weights")
    write("hooked.c", HOOKED)
    for name, flags in (("hooked", []), ("hooked-asan", ["-fsanitize=address,undefined"])):
        text = HOOKED
        if flags:  # the sanitizer has hooks of its own
            text = re.sub(r"extern void \*__libc_malloc.*?(?=static int32_t parallel)", "", text, flags=re.DOTALL)
        write(name + ".c", text)
        run(cc, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", *flags, name + ".c", "digits.o", "second.o", "-o", name)
        run("./" + name, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    write("plus.cpp", '#include "digits.h"\n#include "other.h"\nint main() { return DIGITS_ALIGNMENT == OTHER_ALIGNMENT ? 0 : 1; }\n')
    run(cxx, "-std=c++11", "-Wall", "-Wextra", "-Werror", "plus.cpp", "digits.o", "second.o", "-o", "plus")
    run("./plus")


NAMES = """func.func @main(%a: tensor<2xf32> {nn.name = "int"}, %b: tensor<2xf32> {nn.name = "a b"}, %c: tensor<2xf32> {nn.name = "a/b"})
    -> (tensor<2xf32> {nn.name = "*/ evil"}, tensor<2xi1> {nn.name = ""}) {
  %s = nn.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %t = nn.add %s, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %g = nn.greater %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %t, %g : tensor<2xf32>, tensor<2xi1>
}
"""


def check_names():
    """Names of tensors that are keywords, alike or hostile; a model without weights; a symbol that the templates use."""
    write("names.mlir", NAMES)
    compile_model("names.mlir", "names.o", "--symbol", "RUN_SLOTS_STEPS")
    write("names.c", r"""
#include "names.h"
int main(void) {
  float a[2] = {1, 2}, b[2] = {0, 4}, c[2] = {5, 6}, t[2];
  uint8_t g[2];
  static double scratch[RUN_SLOTS_STEPS_SCRATCH_BYTES / 8 + 8];
  void *aligned = (char *)scratch + (64 - (uintptr_t)scratch % 64);
  if (RUN_SLOTS_STEPS_run(a, b, c, t, g, aligned, NULL) != 0)
    return 1;
  return t[0] == 6 && t[1] == 12 && g[0] == 1 && g[1] == 0 ? 0 : 2;
}
""")
    run(cc, *STRICT, "names.c", "names.o", "-o", "names")
    run("./names")


THREAD = r"""
#define _GNU_SOURCE
#include "digits.h"
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static float image[DIGITS_IN_IMAGE_SIZE], first[DIGITS_OUT_LOGITS_SIZE], second[DIGITS_OUT_LOGITS_SIZE];
static unsigned char scratch[DIGITS_SCRATCH_BYTES] __attribute__((aligned(DIGITS_ALIGNMENT)));
static void *start(void *logits) {
  return digits_run(image, logits, scratch, NULL) ? NULL : logits;
}
int main(void) {
  /* The C library's part of a thread's stack (sysconf), and a page for its start and the function above. */
  size_t page = (size_t)sysconf(_SC_PAGESIZE), need = DIGITS_STACK_BYTES + (size_t)sysconf(_SC_THREAD_STACK_MIN) + 4096;
  size_t size = (need + page - 1) / page * page;
  char *memory = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_attr_t attributes;
  pthread_t thread;
  void *done = NULL;
  int i;
  for (i = 0; i < DIGITS_IN_IMAGE_SIZE; ++i)
    image[i] = (float)(i * 7 % 16) / 16;
  if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) || !start(first))
    return 1;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstack(&attributes, memory + page, size) || pthread_create(&thread, &attributes, start, second))
    return 2;
  pthread_join(thread, &done);
  return done == second && memcmp(first, second, sizeof first) == 0 ? 0 : 3;
}
"""


def check_stack():
    """A thread with just the stack that the header states."""
    write("thread.c", THREAD)
    run(cc, "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "thread.c", "digits.o", "-o", "thread", "-pthread")
    run("./thread")


def check_refusals():
    write("names.mlir", NAMES)
    for options, part in ((["--emit", "so", "--standalone"], "--emit obj"),
                          (["--emit", "obj", "--standalone", "--symbol", "a-b"], "no C identifier"),
                          (["--emit", "obj", "--standalone", "--backend", "onednn"], "cannot call oneDNN"),
                          (["--emit", "obj", "--symbol", "a"], "--standalone")):
        result = subprocess.run([sinter, "compile", "names.mlir", "-o", "refused.o", *options], cwd=work, capture_output=True, text=True)
        expect(result.returncode == 1 and part in result.stderr, f"a refusal with '{part}', not: {result.stderr}")


def check_plain_object():
    """An object with the table shows nothing else either: its memcpy must not become the program's."""
    run(sinter, "compile", os.path.join(source, "examples", "digits", "digits.onnx"), "-o", "table.o", "--shape", "image=1x1x8x8")
    expect(symbols("table.o", "--defined-only") == ["sinter_model"], "only the table is exported")


os.makedirs(work, exist_ok=True)
for check in (check_digits, check_two_models, check_stack, check_names, check_refusals, check_plain_object):
    check()
    print(check.__name__)
