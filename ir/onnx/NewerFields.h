// Fields of ONNX's messages that came after the onnx.proto that Sinter is built with (1.12 in Debian 12): protobuf
// keeps what it does not know.
#pragma once

#include "onnx/onnx_pb.h"
#include <string>
#include <vector>

namespace sinter::nn {

/// Which of several functions of one domain and name is meant, from IR version 10 on.
std::string overloadOf(const onnx::NodeProto &node);
std::string overloadOf(const onnx::FunctionProto &function);

/// The function's attributes that have a default value, with it; from IR version 9 on.
std::vector<onnx::AttributeProto> defaultsOf(const onnx::FunctionProto &function);

} // namespace sinter::nn
