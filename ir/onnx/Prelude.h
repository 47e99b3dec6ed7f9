// Headers that every importer file includes, precompiled.
#pragma once

#include "onnx/onnx_pb.h"
