// Finds the seal in the ELF headers; hashes all but the weights, with the checksum field 0, then fills the field in.
#include "codegen/artefact/LibrarySeal.h"
#include "runtime/Checksum.h"
#include "llvm/Object/ELF.h"

namespace sinter::codegen {

Expected<SealPlace> findSeal(llvm::StringRef library) {
  using Elf = llvm::object::ELFFile<llvm::object::ELF64LE>;
  auto failure = [](llvm::Error error) {
    return Failure{ErrorCode::Internal, "the library cannot be sealed: " + llvm::toString(std::move(error))};
  };
  llvm::Expected<Elf> elf = Elf::create(library);
  if (!elf)
    return failure(elf.takeError());
  auto sections = elf->sections();
  if (!sections)
    return failure(sections.takeError());
  SealPlace place;
  for (const Elf::Elf_Shdr &section : *sections) {
    llvm::Expected<llvm::StringRef> name = elf->getSectionName(section);
    if (!name)
      return failure(name.takeError());
    if (*name == sealSection && section.sh_size == sizeof(SealNote))
      place.offset = section.sh_offset + offsetof(SealNote, seal);
    if (section.sh_type != llvm::ELF::SHT_DYNSYM)
      continue;
    auto symbols = elf->symbols(&section);
    auto strings = elf->getStringTableForSymtab(section);
    if (!symbols || !strings)
      return failure(symbols ? strings.takeError() : symbols.takeError());
    for (const Elf::Elf_Sym &symbol : *symbols) {
      llvm::Expected<llvm::StringRef> named = symbol.getName(*strings);
      if (!named)
        return failure(named.takeError());
      if (*named == "sinter_model" && symbol.isDefined())
        place.table = symbol.st_value;
    }
  }
  if (place.offset == 0 || place.offset + sizeof(Seal) > library.size())
    return Failure{ErrorCode::Internal, "the linker left no room for the seal"};
  return place;
}

void sealLibrary(llvm::MutableArrayRef<char> before, llvm::StringRef behind, const SealPlace &place,
                 uint64_t weightBytes, uint64_t weightChecksum) {
  Seal seal = {before.size() + weightBytes + behind.size(),
               place.table,
               before.size(),
               weightBytes,
               weightChecksum,
               /*checksum=*/0};
  char *at = before.data() + place.offset;
  std::memcpy(at, &seal, sizeof seal);
  Checksum checksum;
  checksum.add(before.data(), before.size());
  checksum.add(behind.data(), behind.size());
  seal.checksum = checksum.value();
  std::memcpy(at, &seal, sizeof seal);
}

} // namespace sinter::codegen
