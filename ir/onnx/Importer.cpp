// From a file to a module: parses the file and hands its graph to GraphImporter.
#include "ir/onnx/GraphImporter.h"
#include <filesystem>
#include <fstream>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

using namespace mlir;

namespace sinter::nn {

/// Parses without protobuf's own limit of 64 MB; its messages to stderr are silenced, ours name the file.
static Expected<onnx::ModelProto> parse(const std::string &path, std::span<const std::byte> content) {
  auto fail = [&](ErrorCode code, const std::string &what) {
    return Failure{code, "'" + path + "' " + what};
  };
  std::error_code error;
  bool isFile = content.data() == nullptr;
  if (isFile && std::filesystem::is_directory(path, error))
    return fail(ErrorCode::InvalidArgument, "is a folder: give the .onnx file in it");
  std::ifstream file;
  if (isFile)
    file.open(path, std::ios::binary);
  if (isFile && !file)
    return fail(ErrorCode::Io, "cannot be read: check the path and its permissions");
  if (isFile ? file.peek() == std::ifstream::traits_type::eof() : content.empty())
    return fail(ErrorCode::InvalidFile, "is empty: download or export the model again");
  if (content.size() > std::numeric_limits<int>::max())
    return fail(ErrorCode::InvalidFile, "is larger than 2 GB: keep its weights in files of their own (external data)");
  onnx::ModelProto model;
  google::protobuf::LogSilencer silence;
  google::protobuf::io::IstreamInputStream stream(&file);
  google::protobuf::io::ArrayInputStream array(content.data(), static_cast<int>(content.size()));
  google::protobuf::io::CodedInputStream coded(isFile ? static_cast<google::protobuf::io::ZeroCopyInputStream *>(&stream)
                                                      : &array);
  coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
  if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
    return fail(ErrorCode::InvalidFile, "is no ONNX model, or it is truncated: download or export it again");
  if (!model.has_graph() || model.graph().node_size() + model.graph().output_size() == 0)
    return fail(ErrorCode::InvalidFile, "holds no graph: it is no ONNX model");
  return model;
}

Expected<OwningOpRef<ModuleOp>> importOnnx(const std::string &path, MLIRContext &context,
                                           const ImportOptions &options) {
  context.loadDialect<NNDialect, func::FuncDialect>();
  try {
    Expected<onnx::ModelProto> model = parse(path, options.content);
    if (!model)
      return model.failure();
    std::string folder = std::filesystem::absolute(path).parent_path().string();
    Expected<OwningOpRef<ModuleOp>> module = GraphImporter(*model, folder, context, options).run();
    if (!module)
      return Failure{module.failure().code, "'" + path + "': " + module.failure().message};
    return module;
  } catch (const std::bad_alloc &) {
    return Failure{ErrorCode::OutOfMemory, "'" + path + "' needs more memory than there is"};
  } catch (const std::exception &e) {
    return Failure{ErrorCode::InvalidFile, "'" + path + "': " + e.what()};
  }
}

} // namespace sinter::nn
