// Four lanes of 8 bytes each keep the multipliers busy: about 10 GB/s without vector
// instructions.
#include "runtime/Checksum.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sinter {

static_assert(std::endian::native == std::endian::little);

template <typename T> static uint64_t load(const unsigned char *data) {
  T word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

uint64_t Checksum::round(uint64_t lane, uint64_t word) { return std::rotl(lane + word * prime2, 31) * prime1; }

void Checksum::addStripes(const unsigned char *data, size_t count) {
  uint64_t a = lanes_[0], b = lanes_[1], c = lanes_[2], d = lanes_[3];
  for (; count > 0; --count, data += stripe) {
    a = round(a, load<uint64_t>(data));
    b = round(b, load<uint64_t>(data + 8));
    c = round(c, load<uint64_t>(data + 16));
    d = round(d, load<uint64_t>(data + 24));
  }
  lanes_[0] = a, lanes_[1] = b, lanes_[2] = c, lanes_[3] = d;
}

void Checksum::add(const void *data, size_t bytes) {
  auto *at = static_cast<const unsigned char *>(data);
  bytes_ += bytes;
  if (restBytes_ > 0) {
    size_t taken = std::min(bytes, stripe - restBytes_);
    std::copy_n(at, taken, rest_ + restBytes_);
    restBytes_ += taken, at += taken, bytes -= taken;
    if (restBytes_ < stripe)
      return;
    addStripes(rest_, 1);
    restBytes_ = 0;
  }
  addStripes(at, bytes / stripe);
  restBytes_ = bytes % stripe;
  std::copy_n(at + bytes - restBytes_, restBytes_, rest_);
}

uint64_t Checksum::value() const {
  uint64_t hash = prime5;
  if (bytes_ >= stripe) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (uint64_t lane : lanes_)
      hash = (hash ^ round(0, lane)) * prime1 + prime4;
  }
  hash += bytes_;
  size_t at = 0;
  for (; at + 8 <= restBytes_; at += 8)
    hash = std::rotl(hash ^ round(0, load<uint64_t>(rest_ + at)), 27) * prime1 + prime4;
  for (; at + 4 <= restBytes_; at += 4)
    hash = std::rotl(hash ^ load<uint32_t>(rest_ + at) * prime1, 23) * prime2 + prime3;
  for (; at < restBytes_; ++at)
    hash = std::rotl(hash ^ rest_[at] * prime5, 11) * prime1;
  hash = (hash ^ hash >> 33) * prime2;
  hash = (hash ^ hash >> 29) * prime3;
  return hash ^ hash >> 32;
}

} // namespace sinter
