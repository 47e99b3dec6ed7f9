// How far apart two cores are: threads on the first two of this process's cores hand a cache line to and fro.
// On a shared machine the answer changes (about 100 or 500 ns), and with it every network whose kernels are
// short.
#include "benchmarks/host/Host.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

/// The first two cores that this process may use, or fewer.
std::vector<int> firstTwoCores() {
  cpu_set_t allowed;
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE && cores.size() < 2; ++cpu)
      if (CPU_ISSET(cpu, &allowed))
        cores.push_back(cpu);
  return cores;
}

void stayOn(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

struct alignas(128) Line {
  std::atomic<int> value{0};
};

} // namespace

double sinterBenchmarkRoundTrip() {
  constexpr int rounds = 25, trips = 1000;
  std::vector<int> cores = firstTwoCores();
  if (cores.size() < 2)
    return 0;
  Line line;
  std::vector<double> nanoseconds;
  // Even values are for the first thread, odd ones for the second. Threads of their own, so that the caller's
  // affinity stays as it was.
  std::thread second([&] {
    stayOn(cores[1]);
    for (int i = 0; i < rounds * trips; ++i) {
      while (line.value.load(std::memory_order_acquire) != 2 * i + 1) {
      }
      line.value.store(2 * i + 2, std::memory_order_release);
    }
  });
  std::thread first([&] {
    stayOn(cores[0]);
    for (int round = 0; round < rounds; ++round) {
      Clock::time_point start = Clock::now();
      for (int i = round * trips; i < (round + 1) * trips; ++i) {
        line.value.store(2 * i + 1, std::memory_order_release);
        while (line.value.load(std::memory_order_acquire) != 2 * i + 2) {
        }
      }
      nanoseconds.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count() / trips);
    }
  });
  first.join();
  second.join();
  // The median: rounds in which another program had one of the cores do not count.
  std::nth_element(nanoseconds.begin(), nanoseconds.begin() + rounds / 2, nanoseconds.end());
  return nanoseconds[rounds / 2];
}
