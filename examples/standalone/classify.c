/* Classifies handwritten digits, 8x8 pixels of 0 to 16 as text, with a model that is compiled into this program: C99,
   no library. Prints a digit for every 64 numbers on the standard input. */
#include "digits.h"

#include <stdio.h>

static unsigned char memory[DIGITS_SCRATCH_BYTES + DIGITS_ALIGNMENT];

int main(void) {
  float image[DIGITS_IN_IMAGE_SIZE], logits[DIGITS_OUT_LOGITS_SIZE];
  unsigned char *scratch = memory + (DIGITS_ALIGNMENT - (uintptr_t)memory % DIGITS_ALIGNMENT);
  int count = 0, i, best;
  while (scanf("%f", &image[count]) == 1) {
    image[count] /= 16;
    if (++count < DIGITS_IN_IMAGE_SIZE)
      continue;
    count = 0;
    if (digits_run(image, logits, scratch, NULL) != 0)
      return 1;
    for (best = 0, i = 1; i < DIGITS_OUT_LOGITS_SIZE; ++i)
      if (logits[i] > logits[best])
        best = i;
    printf("%d\n", best);
  }
  return count == 0 ? 0 : 1;
}
