// The stream writes to a temporary file, which the set renames later; signals wait until it is closed.
#include "codegen/Output.h"

#include "runtime/SystemError.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter::codegen {

Status fillOutput(const std::string &temporary, const std::string &name,
                  llvm::function_ref<void(llvm::raw_ostream &)> write) {
  HeldWriteSignals held;
  std::error_code error;
  llvm::raw_fd_ostream out(temporary, error, llvm::sys::fs::CD_CreateAlways);
  if (!error) {
    write(out);
    out.close();
    error = out.error();
    out.clear_error();
  }
  return error ? systemError("write", name, error.value()) : Status();
}

Status addOutput(OutputSet &outputs, const std::string &path, llvm::function_ref<void(llvm::raw_ostream &)> write) {
  Expected<std::string> temporary = outputs.add(path);
  return temporary ? fillOutput(*temporary, path, write) : Status(temporary.failure());
}

} // namespace sinter::codegen
