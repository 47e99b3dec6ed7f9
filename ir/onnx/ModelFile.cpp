// Walks the wire format: a message is a list of (field, type, content), and a nested message is content of known
// length. Data of tensors is left out of a copy, which protobuf then parses without its own limits of 64 MB and 2 GB.
#include "ir/onnx/ModelFile.h"
#include "onnx/onnx_pb.h"
#include <cstdint>
#include <filesystem>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <map>
#include <optional>

namespace sinter::nn {
namespace {

using Bytes = std::span<const std::byte>;
using google::protobuf::io::CodedOutputStream;

/// Smaller data is copied: shapes and scales, which importers read.
constexpr size_t maxCopiedBytes = 4096;

/// Deeper graphs are left to protobuf, which refuses them.
constexpr int deepest = 100;

enum WireType { Varint = 0, Fixed64 = 1, Sized = 2, Fixed32 = 5 };

struct Field {
  uint64_t number, wireType;
  uint64_t value = 0; ///< of a varint
  Bytes content;      ///< of a sized field
  Bytes whole;        ///< with its tag
};

class Reader {
public:
  explicit Reader(Bytes bytes) : rest(bytes) {}

  bool done() const { return rest.empty(); }
  /// Nothing where the message is malformed.
  std::optional<Field> next() {
    Bytes start = rest;
    std::optional<uint64_t> tag = varint();
    if (!tag)
      return std::nullopt;
    Field field{*tag >> 3, *tag & 7};
    std::optional<uint64_t> value = 0;
    switch (field.wireType) {
    case Varint:
      value = varint();
      break;
    case Fixed64:
      skip(8, value);
      break;
    case Fixed32:
      skip(4, value);
      break;
    case Sized:
      if (value = varint(); value && *value <= rest.size())
        field.content = rest.first(*value);
      skip(value.value_or(0), value);
      break;
    default:
      return std::nullopt;
    }
    if (!value)
      return std::nullopt;
    field.value = *value;
    field.whole = start.first(start.size() - rest.size());
    return field;
  }

private:
  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      auto byte = static_cast<uint64_t>(rest.front());
      rest = rest.subspan(1);
      value |= (byte & 127) << shift;
      if (byte < 128)
        return value;
    }
    return std::nullopt;
  }
  void skip(uint64_t bytes, std::optional<uint64_t> &value) {
    if (bytes > rest.size())
      value.reset();
    else
      rest = rest.subspan(bytes);
  }

  Bytes rest;
};

void append(std::string &out, Bytes bytes) { out.append(reinterpret_cast<const char *>(bytes.data()), bytes.size()); }

void appendSized(std::string &out, uint64_t number, std::string_view content) {
  uint8_t buffer[20];
  uint8_t *end = CodedOutputStream::WriteVarint64ToArray(number << 3 | Sized, buffer);
  end = CodedOutputStream::WriteVarint64ToArray(content.size(), end);
  out.append(reinterpret_cast<const char *>(buffer), static_cast<size_t>(end - buffer));
  out += content;
}

class Slimmer {
public:
  explicit Slimmer(Bytes file) : file(file) {}

  /// False where the file is malformed.
  bool model(Bytes bytes, std::string &out) {
    return message(bytes, out, 0, [](uint64_t number) {
      return number == onnx::ModelProto::kGraphFieldNumber ? &Slimmer::graph : nullptr;
    });
  }

private:
  using Part = bool (Slimmer::*)(Bytes, std::string &, int);

  bool graph(Bytes bytes, std::string &out, int depth) {
    return message(bytes, out, depth, [](uint64_t number) {
      return number == onnx::GraphProto::kNodeFieldNumber          ? &Slimmer::node
             : number == onnx::GraphProto::kInitializerFieldNumber ? &Slimmer::tensor
                                                                   : nullptr;
    });
  }
  bool node(Bytes bytes, std::string &out, int depth) {
    return message(bytes, out, depth, [](uint64_t number) {
      return number == onnx::NodeProto::kAttributeFieldNumber ? &Slimmer::attribute : nullptr;
    });
  }
  bool attribute(Bytes bytes, std::string &out, int depth) {
    return message(bytes, out, depth, [](uint64_t number) -> Part {
      bool isTensor =
          number == onnx::AttributeProto::kTFieldNumber || number == onnx::AttributeProto::kTensorsFieldNumber;
      bool isGraph =
          number == onnx::AttributeProto::kGFieldNumber || number == onnx::AttributeProto::kGraphsFieldNumber;
      return isTensor ? &Slimmer::tensor : isGraph ? &Slimmer::graph : nullptr;
    });
  }

  /// Copies a message; fields for which `partOf` knows a part go through that.
  template <typename PartOf> bool message(Bytes bytes, std::string &out, int depth, PartOf partOf) {
    if (depth > deepest) {
      append(out, bytes);
      return true;
    }
    for (Reader reader(bytes); !reader.done();) {
      std::optional<Field> field = reader.next();
      if (!field)
        return false;
      Part part = field->wireType == Sized ? partOf(field->number) : nullptr;
      if (!part) {
        append(out, field->whole);
        continue;
      }
      std::string inner;
      if (!(this->*part)(field->content, inner, depth + 1))
        return false;
      appendSized(out, field->number, inner);
    }
    return true;
  }

  /// The field of a tensor that holds data which can stay in the file: raw bytes, or floats in one piece.
  static std::optional<Field> dataOf(Bytes bytes) {
    using onnx::TensorProto;
    uint64_t type = 0;
    bool isExternal = false;
    std::map<uint64_t, std::pair<int, Field>> found; // number of times, the last one
    for (Reader reader(bytes); !reader.done();) {
      std::optional<Field> field = reader.next();
      if (!field)
        return std::nullopt;
      if (field->number == TensorProto::kDataTypeFieldNumber)
        type = field->value;
      else if (field->number == TensorProto::kDataLocationFieldNumber)
        isExternal = field->value == TensorProto::EXTERNAL;
      auto &[count, last] = found[field->number];
      ++count;
      last = *field;
    }
    if (isExternal)
      return std::nullopt;
    uint64_t number = found.contains(TensorProto::kRawDataFieldNumber) ? TensorProto::kRawDataFieldNumber
                      : type == TensorProto::FLOAT                     ? TensorProto::kFloatDataFieldNumber
                      : type == TensorProto::DOUBLE                    ? TensorProto::kDoubleDataFieldNumber
                                                                       : 0;
    auto data = found.find(number);
    bool isLarge = data != found.end() && data->second.first == 1 && data->second.second.wireType == Sized &&
                   data->second.second.content.size() > maxCopiedBytes;
    return isLarge ? std::optional(data->second.second) : std::nullopt;
  }

  bool tensor(Bytes bytes, std::string &out, int /*depth*/) {
    using onnx::TensorProto;
    std::optional<Field> data = dataOf(bytes);
    for (Reader reader(bytes); !reader.done();) {
      std::optional<Field> field = reader.next();
      if (!field)
        return false;
      bool isReplaced =
          data && (field->number == data->number || field->number == TensorProto::kExternalDataFieldNumber);
      if (!isReplaced)
        append(out, field->whole);
    }
    if (!data)
      return true;
    TensorProto location;
    auto add = [&](const char *key, std::string value) {
      auto *entry = location.add_external_data();
      entry->set_key(key);
      entry->set_value(std::move(value));
    };
    add("location", std::string(ModelFolder::ownFile));
    add("offset", std::to_string(data->content.data() - file.data()));
    add("length", std::to_string(data->content.size()));
    location.set_data_location(TensorProto::EXTERNAL);
    out += location.SerializeAsString();
    return true;
  }

  Bytes file;
};

} // namespace

Expected<ModelFile> readModelFile(const std::string &path, bool readsData, Bytes content) {
  auto fail = [&](ErrorCode code, const std::string &what) { return Failure{code, "'" + path + "' " + what}; };
  std::error_code error;
  if (!content.data() && std::filesystem::is_directory(path, error))
    return fail(ErrorCode::InvalidArgument, "is a folder: give the .onnx file in it");
  Expected<std::shared_ptr<const MappedFile>> file =
      content.data() ? MappedFile::copyOf(content) : MappedFile::open(path);
  if (!file)
    return file.failure();
  Bytes bytes = (*file)->bytes();
  if (bytes.empty())
    return fail(ErrorCode::InvalidFile, "is empty: download or export the model again");
  google::protobuf::LogSilencer silence;
  auto model = std::make_shared<onnx::ModelProto>();
  try {
    std::string slim;
    if (!Slimmer(bytes).model(bytes, slim) || slim.size() > std::numeric_limits<int>::max())
      return fail(ErrorCode::InvalidFile, "is no ONNX model, or it is truncated: download or export it again");
    google::protobuf::io::CodedInputStream coded(reinterpret_cast<const uint8_t *>(slim.data()),
                                                 static_cast<int>(slim.size()));
    coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
    if (!model->ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
      return fail(ErrorCode::InvalidFile, "is no ONNX model, or it is truncated: download or export it again");
  } catch (const std::bad_alloc &) {
    return fail(ErrorCode::OutOfMemory, "needs more memory than there is");
  } catch (const std::exception &e) {
    return fail(ErrorCode::InvalidFile, std::string("is no ONNX model: ") + e.what());
  }
  if (!model->has_graph() || model->graph().node_size() + model->graph().output_size() == 0)
    return fail(ErrorCode::InvalidFile, "holds no graph: it is no ONNX model");
  std::string folder = std::filesystem::absolute(path, error).parent_path().string();
  return ModelFile{path, std::move(model), ModelFolder(folder, *file, readsData)};
}

} // namespace sinter::nn
