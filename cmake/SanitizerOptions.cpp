// Options of programs with sanitizers. AddressSanitizer: LLVM's headers poison what their allocators have not given
// out, and its libraries, which are not instrumented, give it out without undoing that.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the sanitizers look for these names.
extern "C" __attribute__((visibility("default"))) const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}

// ThreadSanitizer: what LLVM's libraries synchronise is not seen, as they are not instrumented, nor is
// what OpenMP does.
extern "C" __attribute__((visibility("default"))) const char *__tsan_default_suppressions() {
  return "called_from_lib:libLLVM.so\nrace:sinter::onednn::parallelFor\nrace:sinter::onednn::FlushTeam\n";
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
