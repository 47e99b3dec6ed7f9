/* Runs a compiled .so with the runtime library: run MODEL.so THREADS INPUT.bin ... ; outputs go to output_0.bin, ... */
#include "sinter/sinter.h"

#include <stdio.h>
#include <stdlib.h>

enum { most = 8 };

static int check(sinter_error_t *error) {
  if (error)
    fprintf(stderr, "%s\n", sinter_error_message(error));
  return error != NULL;
}

static void *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  long bytes;
  void *data;
  if (!file || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) < 0)
    return NULL;
  rewind(file);
  data = malloc((size_t)bytes + 1);
  if (data && fread(data, 1, (size_t)bytes, file) != (size_t)bytes)
    return NULL;
  fclose(file);
  return data;
}

int main(int argc, char **argv) {
  sinter_model_t *model;
  sinter_session_t *session;
  sinter_session_config_t config = {sizeof config, 0, NULL};
  sinter_tensor_t inputs[most] = {{0}}, outputs[most] = {{0}};
  size_t i, in, out;
  if (argc < 3 || check(sinter_model_load(argv[1], &model)) || check(sinter_model_check_weights(model)))
    return 1;
  puts(sinter_model_target(model));
  in = sinter_model_input_count(model);
  out = sinter_model_output_count(model);
  config.threads = atoi(argv[2]);
  if (in != (size_t)argc - 3 || in > most || out > most || check(sinter_session_create(model, &config, &session)))
    return 1;
  for (i = 0; i < in; ++i) {
    const sinter_tensor_info_t *info = sinter_model_input(model, i);
    sinter_tensor_t tensor = {read_file(argv[3 + i]), info->shape, NULL, info->rank, info->type};
    inputs[i] = tensor;
  }
  if (check(sinter_session_run(session, inputs, in, outputs, out)))
    return 1;
  for (i = 0; i < out; ++i) {
    char name[32];
    size_t bytes = sinter_type_size(outputs[i].type);
    FILE *file;
    int32_t d;
    for (d = 0; d < outputs[i].rank; ++d)
      bytes *= (size_t)outputs[i].shape[d];
    snprintf(name, sizeof name, "output_%d.bin", (int)i);
    file = fopen(name, "wb");
    if (!file || fwrite(outputs[i].data, 1, bytes, file) != bytes || fclose(file) != 0)
      return 1;
  }
  sinter_session_free(session);
  sinter_model_free(model);
  return 0;
}
