// The large headers that most commands include, precompiled.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <llvm/Support/JSON.h>
#include <map>
#include <memory>
#include <string>
#include <vector>
