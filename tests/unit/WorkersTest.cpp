// Work in independent pieces.
#include "codegen/Workers.h"

#include <atomic>
#include <gtest/gtest.h>
#include <stdexcept>
#include <vector>

namespace sinter::codegen {
namespace {

TEST(Workers, EachPieceIsDoneOnce) {
  for (size_t threads : {0, 1, 2, 7})
    for (size_t count : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> calls(count);
      forEachInParallel(count, threads, [&](size_t i) { ++calls[i]; });
      for (const std::atomic<int> &call : calls)
        ASSERT_EQ(call, 1);
    }
}

TEST(Workers, WhatAPieceThrowsReachesTheCaller) {
  for (size_t threads : {1, 3})
    EXPECT_THROW(forEachInParallel(100, threads,
                                   [](size_t i) {
                                     if (i == 50)
                                       throw std::runtime_error("fifty");
                                   }),
                 std::runtime_error);
}

} // namespace
} // namespace sinter::codegen
