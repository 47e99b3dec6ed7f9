// LLVM's objcopy as a library.
#include "codegen/lower/Internalise.h"
#include "codegen/Output.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter::codegen {

/// The functions that code generation may call beside those that a model defines itself.
static const llvm::StringSet<> &libraryFunctions() {
  static const llvm::StringSet<> names = {"memcpy", "memmove", "memset", "fmaf", "fma", "fmodf", "fmod"};
  return names;
}

/// The symbols that have no definition in the object and are not among `known`.
static std::vector<std::string> undefined(const llvm::object::ObjectFile &object, const llvm::StringSet<> &known) {
  std::vector<std::string> names;
  for (const llvm::object::SymbolRef &symbol : object.symbols()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!flags || !name) {
      llvm::consumeError(flags.takeError());
      llvm::consumeError(name.takeError());
      continue;
    }
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty() && !known.contains(*name))
      names.push_back(name->str());
  }
  return names;
}

Status internaliseSymbols(const std::string &path, const std::vector<std::string> &exported) {
  auto fail = [&](llvm::Error error) {
    return Status(ErrorCode::Internal,
                  "the symbols of '" + path + "' cannot be made local: " + llvm::toString(std::move(error)));
  };
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fail(llvm::errorCodeToError(buffer.getError()));
  llvm::Expected<std::unique_ptr<llvm::object::ObjectFile>> object =
      llvm::object::ObjectFile::createObjectFile(**buffer);
  if (!object)
    return fail(object.takeError());
  if (std::vector<std::string> names = undefined(**object, libraryFunctions()); !names.empty())
    return {ErrorCode::Internal, "the code needs functions that no C library has: " + llvm::join(names, ", ")};

  llvm::objcopy::ConfigManager config;
  for (const std::string &name : exported) {
    auto ignore = [](llvm::Error error) { return error; };
    llvm::Expected<llvm::objcopy::NameOrPattern> matcher =
        llvm::objcopy::NameOrPattern::create(name, llvm::objcopy::MatchStyle::Literal, ignore);
    if (!matcher)
      return fail(matcher.takeError());
    if (llvm::Error error = config.Common.SymbolsToKeepGlobal.addMatcher(std::move(matcher)))
      return fail(std::move(error));
  }
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (llvm::Error error = llvm::objcopy::executeObjcopyOnBinary(config, **object, stream))
    return fail(std::move(error));
  return fillOutput(path, path, [&](llvm::raw_ostream &out) { out << stream.str(); });
}

} // namespace sinter::codegen
