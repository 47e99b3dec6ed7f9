// .npy and TensorProto files: round trips, NumPy's variants, and hostile bytes.
#include "runtime/File.h"
#include "runtime/Npy.h"
#include "runtime/Output.h"
#include "runtime/TensorProto.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <sys/stat.h>

using namespace sinter;

namespace {

constexpr DType allTypes[] = {DType::F32, DType::F64, DType::F16, DType::BF16, DType::I8,  DType::I16, DType::I32,
                              DType::I64, DType::U8,  DType::U16, DType::U32,  DType::U64, DType::Bool};

Tensor makeTensor(DType type, Shape shape) {
  Tensor tensor(type, std::move(shape));
  std::vector<int64_t> values(static_cast<size_t>(tensor.size()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int64_t>(i * 7 % 100);
  storeInts(tensor, values);
  return tensor;
}

void expectEqual(const Tensor &a, const Tensor &b) {
  ASSERT_EQ(a.type(), b.type());
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0);
}

std::vector<std::byte> npy(std::string header, std::string_view data, char version = 1) {
  std::string text = "\x93NUMPY";
  text += {version, '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  if (version > 1)
    text += std::string(2, '\0');
  text += header;
  text += data;
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string npyError(std::span<const std::byte> bytes) {
  Expected<Tensor> tensor = parseNpy(bytes, "f.npy");
  return tensor ? "" : tensor.failure().message;
}

std::string protoError(const onnx::TensorProto &proto, const std::string &folder = "") {
  Expected<Tensor> tensor = tensorFromProto(proto, ModelFolder(folder));
  return tensor ? "" : tensor.failure().message;
}

onnx::TensorProto floats(std::initializer_list<int64_t> dims, int count) {
  onnx::TensorProto proto;
  proto.set_name("w");
  proto.set_data_type(onnx::TensorProto::FLOAT);
  for (int64_t d : dims)
    proto.add_dims(d);
  for (int i = 0; i < count; ++i)
    proto.add_float_data(static_cast<float>(i));
  return proto;
}

} // namespace

TEST(TensorFile, RoundTripsOfAllTypes) {
  for (const char *ending : {".npy", ".pb"})
    for (DType type : allTypes)
      for (const Shape &shape : {Shape{}, Shape{5}, Shape{2, 0, 3}, Shape{2, 3, 4}}) {
        std::string path = testing::TempDir() + "/roundtrip" + ending;
        Tensor tensor = makeTensor(type, shape);
        ASSERT_TRUE(writeTensor(path, {"t", tensor}).ok());
        Expected<NamedTensor> read = readTensor(path);
        ASSERT_TRUE(read) << read.failure().message;
        expectEqual(read->tensor, tensor);
      }
}

TEST(TensorFile, NpyVariants) {
  // Fortran order: columns first. [[1, 2, 3], [4, 5, 6]]
  Tensor fortran = *parseNpy(npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }\n", "\1\4\2\5\3\6"), "f");
  EXPECT_EQ(toInts(fortran), (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  Tensor big = *parseNpy(
      npy("{'shape': (2,), 'descr': '>i2', 'fortran_order': False}", std::string_view("\1\2\3\4", 4), 2), "f");
  EXPECT_EQ(toInts(big), (std::vector<int64_t>{0x102, 0x304}));
  Tensor scalar = *parseNpy(npy("{\"descr\": \"<u2\", \"fortran_order\": False, \"shape\": ()}", "\7\1", 3), "f");
  EXPECT_EQ(toInts(scalar), (std::vector<int64_t>{0x107}));
}

TEST(TensorFile, HostileNpy) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  std::vector<std::byte> whole = npy(good, "abcd");
  ASSERT_EQ(npyError(whole), "");
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(npyError(std::span(whole).first(length)), "") << length;
  auto headerError = [](const std::string &header) { return npyError(npy(header, "abcd")); };
  EXPECT_NE(npyError(npy(good, "abcd", 9)).find("version 9"), std::string::npos);
  EXPECT_NE(headerError("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }").find("negative"),
            std::string::npos);
  EXPECT_NE(headerError("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }"), "");
  EXPECT_NE(headerError("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"), "");
  EXPECT_NE(headerError("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }").find("'<c8'"), std::string::npos);
  EXPECT_NE(headerError("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"), "");
  EXPECT_NE(headerError("{'descr': '<f4', 'shape': (1,), }"), "");
  EXPECT_NE(headerError("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"), "");
  EXPECT_NE(npyError(npy(good, "abcde")).find("needs 4 bytes of data, the file holds 5"), std::string::npos);
}

TEST(TensorFile, HostileProto) {
  EXPECT_EQ(protoError(floats({2, 2}, 4)), "");
  EXPECT_EQ(protoError(floats({2, 2}, 3)), "tensor 'w' of shape 2x2 needs 4 values in float_data, has 3");
  EXPECT_NE(protoError(floats({-2}, 2)).find("invalid shape"), std::string::npos);
  EXPECT_NE(protoError(floats({INT64_MAX, 4}, 2)).find("invalid shape"), std::string::npos);
  EXPECT_NE(protoError(floats({int64_t(1) << 40}, 2)), "");
  onnx::TensorProto raw = floats({2}, 0);
  raw.set_raw_data("abcdefg");
  EXPECT_EQ(protoError(raw), "tensor 'w' of shape 2 and type f32 needs 8 bytes of data, has 7");
  onnx::TensorProto narrow;
  narrow.set_name("n");
  narrow.set_data_type(onnx::TensorProto::UINT8);
  narrow.add_dims(1);
  narrow.add_int32_data(256);
  EXPECT_EQ(protoError(narrow), "tensor 'n' has a value in int32_data that u8 cannot hold");
  for (auto [type, name] : {std::pair(8, "STRING"), {14, "COMPLEX64"}, {15, "COMPLEX128"}}) {
    onnx::TensorProto unsupported;
    unsupported.set_data_type(type);
    Expected<Tensor> tensor = tensorFromProto(unsupported);
    ASSERT_FALSE(tensor);
    EXPECT_EQ(tensor.failure().code, ErrorCode::Unsupported);
    EXPECT_NE(tensor.failure().message.find(name), std::string::npos);
  }
}

TEST(TensorFile, PackedElements) {
  constexpr int int4 = 22; // newer than the installed protobuf classes
  onnx::TensorProto packed;
  packed.set_name("q");
  packed.set_data_type(int4);
  packed.add_dims(3);
  packed.add_int32_data(0x9F); // -1 in the low bits, -7 above
  EXPECT_EQ(protoError(packed), "tensor 'q' of shape 3 needs 2 values in int32_data, has 1");
  packed.add_int32_data(0x05);
  Expected<Tensor> tensor = tensorFromProto(packed);
  ASSERT_TRUE(tensor);
  std::span<const int8_t> values = tensor->as<int8_t>();
  EXPECT_EQ(std::vector<int>(values.begin(), values.end()), (std::vector<int>{-1, -7, 5}));
  packed.set_int32_data(1, 300);
  EXPECT_EQ(protoError(packed), "tensor 'q' has a value in int32_data that is more than a byte");
}

TEST(TensorFile, ExternalDataStaysInTheFolder) {
  std::string root = testing::TempDir() + "/external", folder = root + "/model";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/inside.bin") << "abcdefgh";
  std::ofstream(root + "/outside.bin") << "abcdefgh";
  std::filesystem::remove(folder + "/link.bin");
  std::filesystem::create_symlink("../outside.bin", folder + "/link.bin");
  auto error = [&](const std::string &location, const char *offset = nullptr, const char *length = nullptr) {
    onnx::TensorProto proto = floats({1}, 0);
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    for (auto [key, value] : {std::pair("location", location.c_str()), {"offset", offset}, {"length", length}})
      if (value) {
        auto *entry = proto.add_external_data();
        entry->set_key(key);
        entry->set_value(value == location.c_str() ? location : value);
      }
    return protoError(proto, folder);
  };
  EXPECT_EQ(error("inside.bin"), "");
  EXPECT_EQ(error("inside.bin", "4", "4"), "");
  EXPECT_NE(error("inside.bin", "5"), "");
  EXPECT_NE(error("inside.bin", "18446744073709551615"), "");
  EXPECT_NE(error("inside.bin", "-1"), "");
  EXPECT_NE(error("inside.bin", "0", "8"), "");
  EXPECT_NE(error("missing.bin"), "");
  for (std::string outside : {"../outside.bin", "link.bin", "x/../../outside.bin", "/etc/passwd", ""})
    EXPECT_NE(error(outside).find("outside the model's folder"), std::string::npos) << outside;
  // The name that means the model's own file, where there is none, and a name that the system would cut.
  EXPECT_NE(error(std::string(ModelFolder::ownFile)).find("outside"), std::string::npos);
  EXPECT_NE(error(std::string("inside.bin\0x", 12)).find("outside"), std::string::npos);
  // Paths that are no file: reading a pipe would wait for ever.
  EXPECT_NE(error("."), "");
  std::filesystem::remove(folder + "/pipe");
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
  EXPECT_NE(error("pipe"), "");
  for (auto [offset, length] :
       {std::pair("0x0", "4"), {"", "4"}, {"0", "-4"}, {"8", "4"}, {"4", "18446744073709551612"}})
    EXPECT_NE(error("inside.bin", offset, length), "") << offset << " " << length;
}

TEST(TensorFile, ExternalDataIsAView) {
  std::string folder = testing::TempDir() + "/views";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/data.bin", std::ios::binary) << std::string(64, '\x3f');
  ModelFolder files(folder);
  auto read = [&](int type, int64_t count, const char *offset) {
    onnx::TensorProto proto;
    proto.set_data_type(type);
    proto.add_dims(count);
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    for (auto [key, value] : {std::pair("location", "data.bin"), {"offset", offset}}) {
      auto *entry = proto.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    return *tensorFromProto(proto, files);
  };
  // Two tensors may share bytes.
  Tensor a = read(onnx::TensorProto::FLOAT, 8, "0"), b = read(onnx::TensorProto::FLOAT, 4, "16");
  EXPECT_EQ(a.data() + 16, b.data());
  // Data that cannot be used in place is copied: unaligned, packed, bools.
  Tensor c = read(onnx::TensorProto::FLOAT, 4, "2"), d = read(22, 8, "0"), e = read(onnx::TensorProto::BOOL, 4, "0");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(c.data()) % 4, 0u);
  EXPECT_EQ(std::memcmp(a.data(), c.data(), 16), 0);
  EXPECT_EQ(toInts(d), (std::vector<int64_t>{-1, 3, -1, 3, -1, 3, -1, 3}));
  EXPECT_EQ(toInts(e), (std::vector<int64_t>{1, 1, 1, 1}));
  // The view keeps the file mapped.
  files = ModelFolder();
  std::filesystem::remove(folder + "/data.bin");
  EXPECT_EQ(std::memcmp(a.data(), c.data(), 16), 0);
}

TEST(TensorFile, FilesFailAsValues) {
  EXPECT_NE(readTensor("/nonexistent/x.npy").failure().message.find("No such file"), std::string::npos);
  EXPECT_NE(readTensor(testing::TempDir()).failure().message.find("it is a folder"), std::string::npos);
  EXPECT_FALSE(writeNpy("/nonexistent/x.npy", Tensor(DType::F32, {1})).ok());
  std::string path = testing::TempDir() + "/garbage.pb";
  for (std::string_view text : {"", "garbage", "\x08\xff\xff\xff\xff"}) {
    ASSERT_TRUE(writeFile(path, std::as_bytes(std::span(text))).ok());
    EXPECT_FALSE(readTensor(path));
  }
}

TEST(TensorFile, UnfinishedWritesAreRemoved) {
  std::string path = testing::TempDir() + "/target";
  std::string temporary = makeTemporary(path);
  std::ofstream(temporary) << "partial";
  removeTemporaries();
  EXPECT_FALSE(std::filesystem::exists(temporary));
}
