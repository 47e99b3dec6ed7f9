/* The same for a standalone object, named model, with the sizes of its outputs in bytes: object BYTES,... INPUT.bin ...
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  const void *inputs[8];
  void *outputs[8];
  size_t sizes[8];
  int in = argc - 2, out = 0, i;
  char *list = argc > 1 ? argv[1] : "";
  void *scratch =
      aligned_alloc(MODEL_ALIGNMENT, (MODEL_SCRATCH_BYTES + MODEL_ALIGNMENT - 1) / MODEL_ALIGNMENT * MODEL_ALIGNMENT);
  for (; *list && out < 8; list += *list == ',') {
    sizes[out] = strtoull(list, &list, 10);
    outputs[out] = malloc(sizes[out] + 1);
    ++out;
  }
  for (i = 0; i < in && i < 8; ++i) {
    FILE *file = fopen(argv[2 + i], "rb");
    long bytes;
    void *data;
    if (!file || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) < 0)
      return 2;
    rewind(file);
    data = malloc((size_t)bytes + 1);
    if (fread(data, 1, (size_t)bytes, file) != (size_t)bytes)
      return 2;
    fclose(file);
    inputs[i] = data;
  }
  if (model_invoke(NULL, scratch, inputs, outputs) != 0)
    return 3;
  for (i = 0; i < out; ++i) {
    char name[32];
    FILE *file;
    snprintf(name, sizeof name, "output_%d.bin", i);
    file = fopen(name, "wb");
    if (!file || fwrite(outputs[i], 1, sizes[i], file) != sizes[i] || fclose(file) != 0)
      return 4;
  }
  return 0;
}
