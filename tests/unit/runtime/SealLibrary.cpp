// Seals a model that was written by hand and linked by another linker: seal-library LIBRARY.so. All of it
// counts as code.
#include "codegen/artefact/LibrarySeal.h"
#include "runtime/Checksum.h"
#include "runtime/File.h"
#include "runtime/Output.h"

#include <cstdio>

using namespace sinter;

int main(int argc, char **argv) {
  Expected<std::vector<std::byte>> bytes = readFile(argc > 1 ? argv[1] : "");
  if (!bytes)
    return std::fprintf(stderr, "%s\n", bytes.failure().message.c_str()), 1;
  llvm::MutableArrayRef<char> library(reinterpret_cast<char *>(bytes->data()), bytes->size());
  Expected<codegen::SealPlace> place = codegen::findSeal({library.data(), library.size()});
  if (!place)
    return std::fprintf(stderr, "%s: %s\n", argv[1], place.failure().message.c_str()), 1;
  codegen::sealLibrary(library, "", *place, /*weightBytes=*/0, /*weightChecksum=*/Checksum().value());
  if (Status status = writeFile(argv[1], *bytes); !status.ok())
    return std::fprintf(stderr, "%s\n", status.message().c_str()), 1;
}
