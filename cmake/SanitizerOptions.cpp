// Options of programs with AddressSanitizer: LLVM's headers poison what their allocators have not given out, and
// its libraries, which are not instrumented, give it out without undoing that.
extern "C" __attribute__((visibility("default"))) const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}
