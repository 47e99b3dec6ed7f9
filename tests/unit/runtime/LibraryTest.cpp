// Compiled libraries as files: the checksum, the seal, and tables that lead nowhere.
#include "runtime/Library.h"
#include "runtime/Checksum.h"
#include "runtime/File.h"
#include "runtime/Model.h"
#include "runtime/Output.h"

#include <algorithm>
#include <elf.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>

using namespace sinter;

namespace {

std::string modelPath(const std::string &name) { return std::string(SINTER_TEST_MODELS) + "/lib" + name + ".so"; }

/// Values of the reference implementation.
TEST(Checksum, IsXxHash64) {
  auto of = [](std::string_view text) {
    Checksum checksum;
    checksum.add(text.data(), text.size());
    return checksum.value();
  };
  EXPECT_EQ(of(""), 0xef46db3751d8e999u);
  EXPECT_EQ(of("abc"), 0x44bc2cf5ad770999u);
  std::string bytes;
  for (char i = 0; i < 101; ++i)
    bytes += i;
  EXPECT_EQ(of(bytes), 0xe99038495f85381eu);
}

TEST(Checksum, CutsDoNotMatter) {
  std::mt19937 random(1);
  std::vector<unsigned char> bytes(1000);
  std::ranges::generate(bytes, random);
  Checksum whole;
  whole.add(bytes.data(), bytes.size());
  for (int i = 0; i < 200; ++i) {
    Checksum pieces;
    for (size_t at = 0, size; at < bytes.size(); at += size)
      pieces.add(bytes.data() + at, size = std::min<size_t>(random() % 70, bytes.size() - at));
    ASSERT_EQ(pieces.value(), whole.value());
  }
}

/// Seals what was changed, as whoever makes hostile libraries would.
void seal(std::vector<std::byte> &library) {
  SealNote note;
  auto *key = reinterpret_cast<std::byte *>(&note);
  auto found = std::search(library.begin(), library.end(), key, key + offsetof(SealNote, seal));
  ASSERT_NE(found, library.end());
  std::byte *at = &*found + offsetof(SealNote, seal);
  Seal content;
  std::memcpy(&content, at, sizeof content);
  content.checksum = 0;
  std::memcpy(at, &content, sizeof content);
  Checksum checksum;
  checksum.add(library.data(), library.size());
  content.checksum = checksum.value();
  std::memcpy(at, &content, sizeof content);
}

class LibraryTest : public testing::Test {
protected:
  const std::string path = testing::TempDir() + "/library.so";
  std::vector<std::byte> whole = *readFile(modelPath("TinyModelTwo"));

  std::string readError(std::span<const std::byte> bytes) {
    EXPECT_TRUE(writeFile(path, bytes).ok());
    Expected<std::shared_ptr<Model>> model = Model::read(path), loaded = Model::load(path);
    EXPECT_TRUE(model || !loaded) << "what cannot be read cannot be loaded";
    return model ? "" : model.failure().message;
  }
};

TEST_F(LibraryTest, AnyChangedBitIsFound) {
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    size_t bit = random() % (whole.size() * 8);
    whole[bit / 8] ^= std::byte(1 << bit % 8);
    EXPECT_NE(readError(whole), "") << bit;
    whole[bit / 8] ^= std::byte(1 << bit % 8);
  }
  EXPECT_EQ(readError(whole), "");
  whole.push_back(std::byte(0));
  EXPECT_NE(readError(whole).find("it has grown"), std::string::npos);
}

TEST_F(LibraryTest, WithoutASealItIsOfAnEarlierVersion) {
  SealNote note;
  auto *key = reinterpret_cast<std::byte *>(&note);
  auto found = std::search(whole.begin(), whole.end(), key, key + offsetof(SealNote, seal));
  ASSERT_NE(found, whole.end());
  found[offsetof(SealNote, version)] = std::byte(77);
  EXPECT_NE(readError(whole).find("an earlier version of Sinter compiled it"), std::string::npos);
  Expected<std::shared_ptr<Model>> model = Model::load(path);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.failure().code, ErrorCode::Incompatible);
}

/// The checksum is right, and the tables are garbage: pointers to anywhere, endless chains, counts of
/// billions.
TEST_F(LibraryTest, HostileTablesAreReadWithinBounds) {
  auto *header = reinterpret_cast<const Elf64_Ehdr *>(whole.data());
  auto *sections = reinterpret_cast<const Elf64_Shdr *>(whole.data() + header->e_shoff);
  const char *names = reinterpret_cast<const char *>(whole.data()) + sections[header->e_shstrndx].sh_offset;
  std::vector<std::pair<size_t, size_t>> targets = {{header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr)}};
  std::vector<uint64_t> values = {0,
                                  1,
                                  7,
                                  64,
                                  UINT64_MAX,
                                  uint64_t(1) << 63,
                                  INT64_MAX,
                                  INT32_MAX,
                                  uint64_t(1) << 32,
                                  whole.size(),
                                  whole.size() - 1};
  for (int i = 0; i < header->e_shnum; ++i) {
    std::string_view name = names + sections[i].sh_name;
    if (name == ".rela.dyn" || name == ".data.rel.ro" || name == ".rodata" || name == ".dynamic")
      targets.emplace_back(sections[i].sh_offset, sections[i].sh_size);
    for (uint64_t address : {sections[i].sh_addr, sections[i].sh_addr + sections[i].sh_size - 1})
      values.push_back(address);
  }
  ASSERT_EQ(targets.size(), 5u);
  std::mt19937_64 random(3);
  size_t readable = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::byte> hostile = whole;
    for (size_t changes = 1 + random() % 3; changes > 0; --changes) {
      auto [from, bytes] = targets[random() % targets.size()];
      uint64_t value = random() % 4 ? values[random() % values.size()] : random();
      size_t size = random() % 2 ? 8 : 4;
      std::memcpy(hostile.data() + from + random() % (bytes / size) * size, &value, size);
    }
    seal(hostile);
    ASSERT_TRUE(writeFile(path, hostile).ok());
    Expected<std::shared_ptr<Model>> model = Model::read(path);
    for (const auto &variant : model ? (*model)->variants() : std::vector<std::shared_ptr<const Model>>())
      for (const SinterKernelInfo &kernel : variant->kernels())
        readable += std::strlen(kernel.name ? kernel.name : "") > 0;
  }
  EXPECT_GT(readable, 100u) << "most changes are of things that nobody reads";
}

/// Its constructor ends the process.
TEST_F(LibraryTest, ReadingRunsNoCode) {
  Expected<std::shared_ptr<Model>> model = Model::read(modelPath("TinyModelConstructor"));
  ASSERT_TRUE(model) << model.failure().message;
  EXPECT_EQ((*model)->inputs()[0].name, std::string_view("x"));
  EXPECT_EQ((*model)->kernels()[0].ops, std::string_view("add"));
  EXPECT_NE((*model)->inputs()[1].defaultValue, nullptr);
  Expected<std::unique_ptr<Session>> session = Session::create(*model, 1);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.failure().message, "the model was opened to be read, not to run");
  EXPECT_FALSE((*model)->verifyWeights().ok());
  EXPECT_DEATH(static_cast<void>(Model::load(modelPath("TinyModelConstructor"))), "");
  // A library that is rejected runs nothing, either.
  for (const char *refused : {"TinyModelConstructorAbi", "TinyModelConstructorFeature"})
    EXPECT_FALSE(Model::load(modelPath(refused))) << refused;
}

/// Loaders remember names, and systems use numbers of descriptors again.
TEST_F(LibraryTest, LibrariesAreNotMistakenForEachOther) {
  auto descriptors = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  auto before = descriptors();
  std::vector<std::shared_ptr<Model>> kept;
  std::mt19937 random(4);
  for (int i = 0; i < 200; ++i) {
    bool two = random() % 2;
    std::string of = modelPath(two ? "TinyModelTwo" : "TinyModel");
    Expected<std::shared_ptr<Model>> model = random() % 2 ? Model::load(of) : Model::loadBytes(*readFile(of));
    ASSERT_TRUE(model) << model.failure().message;
    ASSERT_EQ((*model)->variants().size(), two ? 2u : 1u);
    kept.push_back(*model);
    if (kept.size() > 3)
      kept.erase(kept.begin() + static_cast<ptrdiff_t>(random() % kept.size()));
  }
  EXPECT_EQ(descriptors(), before);
}

} // namespace
