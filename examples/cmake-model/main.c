/* Two models that are compiled when the program is built: for one image at a time, and for four, the weights of these
 * in a file. */
#include "digit.h"
#include "digits4.h"

#include <stdio.h>
#include <stdlib.h>

static void *read_aligned(const char *path, size_t bytes, size_t alignment) {
  FILE *file = fopen(path, "rb");
  void *data = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  size_t got = file && data ? fread(data, 1, bytes, file) : 0;
  if (file)
    fclose(file);
  if (got == bytes)
    return data;
  free(data);
  return NULL;
}

int main(int argc, char **argv) {
  static float images[4 * 64], one[4][10], four[4 * 10];
  void *scratch =
      aligned_alloc(DIGIT_ALIGNMENT, DIGIT_SCRATCH_BYTES / DIGIT_ALIGNMENT * DIGIT_ALIGNMENT + DIGIT_ALIGNMENT);
  void *scratch4 = aligned_alloc(DIGITS4_ALIGNMENT,
                                 DIGITS4_SCRATCH_BYTES / DIGITS4_ALIGNMENT * DIGITS4_ALIGNMENT + DIGITS4_ALIGNMENT);
  void *weights = argc > 1 ? read_aligned(argv[1], DIGITS4_WEIGHT_BYTES, DIGITS4_ALIGNMENT) : NULL;
  double difference = 0;
  int i, k, status = 1;
  if (!scratch || !scratch4 || !weights || digits4_use_weights(weights, DIGITS4_WEIGHT_BYTES) != 0)
    goto done;
  for (i = 0; i < 4 * 64; ++i)
    images[i] = (float)(i * 37 % 17) / 16;
  for (i = 0; i < 4; ++i)
    if (digit_run(images + 64 * i, one[i], scratch, NULL) != 0)
      goto done;
  if (digits4_run(images, four, scratch4, NULL) != 0)
    goto done;
  for (i = 0; i < 4; ++i)
    for (k = 0; k < 10; ++k)
      if (difference < one[i][k] - four[10 * i + k] || difference < four[10 * i + k] - one[i][k])
        difference = one[i][k] > four[10 * i + k] ? one[i][k] - four[10 * i + k] : four[10 * i + k] - one[i][k];
  printf("one at a time and four at once: %s\n", difference < 1e-4 ? "equal" : "different");
  status = difference < 1e-4 ? 0 : 1;
done:
  free(scratch);
  free(scratch4);
  free(weights);
  return status;
}
