// Written by hand rather than through LLVM's constants, which would hold the weights in memory several times.
#include "codegen/llvm/WeightsObject.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter::codegen {

using namespace llvm::ELF;

void writeWeightsObject(const WeightBlob &weights, bool isX86, llvm::raw_ostream &out) {
  // Offsets of names in the string table, which serves sections and symbols.
  static constexpr char names[] = "\0.lrodata\0.symtab\0.strtab\0sinter_weights\0.note.GNU-stack";
  enum : uint32_t { nameRodata = 1, nameSymtab = 10, nameStrtab = 18, nameWeights = 26, nameStack = 41 };
  enum : uint32_t { rodata = 1, symtab = 2, strtab = 3, stack = 4, sectionCount = 5 };
  auto put = [&](const auto &value) { out.write(reinterpret_cast<const char *>(&value), sizeof value); };

  auto bytes = static_cast<uint64_t>(weights.bytes());
  uint64_t rodataAt = SINTER_ALIGNMENT, symtabAt = llvm::alignTo(rodataAt + bytes, 8);
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = nameWeights;
  symbols[1].setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = rodata;
  symbols[1].st_size = bytes;
  uint64_t strtabAt = symtabAt + sizeof symbols, headersAt = llvm::alignTo(strtabAt + sizeof names, 8);

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = isX86 ? EM_X86_64 : EM_AARCH64;
  header.e_version = EV_CURRENT;
  header.e_shoff = headersAt;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = sectionCount;
  header.e_shstrndx = strtab;
  put(header);

  uint64_t large = isX86 ? uint64_t(SHF_X86_64_LARGE) : 0;
  Elf64_Shdr sections[sectionCount] = {};
  sections[rodata] = {nameRodata, SHT_PROGBITS, SHF_ALLOC | large, 0, rodataAt, bytes, 0, 0, SINTER_ALIGNMENT, 0};
  sections[symtab] = {nameSymtab, SHT_SYMTAB, 0, 0, symtabAt, sizeof symbols, strtab, 1, 8, sizeof(Elf64_Sym)};
  sections[strtab] = {nameStrtab, SHT_STRTAB, 0, 0, strtabAt, sizeof names, 0, 0, 1, 0};
  sections[stack] = {nameStack, SHT_PROGBITS, 0, 0, headersAt, 0, 0, 0, 1, 0};

  static_assert(sizeof(Elf64_Ehdr) == SINTER_ALIGNMENT);
  weights.write([&](const void *data, size_t size) { out.write(static_cast<const char *>(data), size); });
  out.write_zeros(symtabAt - rodataAt - bytes);
  put(symbols);
  put(names);
  out.write_zeros(headersAt - strtabAt - sizeof names);
  put(sections);
}

} // namespace sinter::codegen
