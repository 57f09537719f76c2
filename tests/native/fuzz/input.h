/* input.h - the fuzzer's bytes, read as choices and as numbers that solvers do not like. When they
 * are used up everything is 0: short inputs are valid ones. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *bytes;
    size_t left;
} input;

uint8_t take_byte(input *in);

/* 0 .. count - 1 */
int take_choice(input *in, int count);

/* One of the odd numbers (nan, inf, denormal, huge ...), any double at all, or a usual one. */
double take_number(input *in);

/* The usual value for all inputs but a few, whose number is odd. */
double take_number_or(input *in, double usual);

/* The same for limits that are whole numbers. */
int64_t take_count_or(input *in, int64_t usual);

/* `count` numbers, now and then in order. */
void take_numbers(input *in, double *numbers, int64_t count);
#endif
