/* input.c - see input.h. */
#include "input.h"
#include <float.h>
#include <math.h>
#include <string.h>

uint8_t take_byte(input *in) {
    if (!in->left) return 0;
    --in->left;
    return *in->bytes++;
}

int take_choice(input *in, int count) { return take_byte(in) % count; }

static double any_double(input *in) {
    uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits = bits << 8 | take_byte(in);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double take_number(input *in) {
    static const double odd[] = {0.0,     -0.0,     NAN,          INFINITY, -INFINITY, 5e-324,
                                 -5e-324, DBL_MIN,  DBL_MAX,      -DBL_MAX, 1e300,     -1e300,
                                 1e-300,  DBL_EPSILON, 1e16,      -1.0,     1e-6,      1e6};
    enum { COUNT = sizeof odd / sizeof *odd };
    const int choice = take_choice(in, COUNT + 32);
    if (choice < COUNT) return odd[choice];
    if (choice == COUNT) return any_double(in);
    return (take_byte(in) - 128) / 16.0;
}

double take_number_or(input *in, double usual) {
    return take_choice(in, 4) == 3 ? take_number(in) : usual;
}

int64_t take_count_or(input *in, int64_t usual) {
    static const int64_t odd[] = {0, 1, -1, 2, INT64_MAX, INT64_MIN, INT32_MAX, 3};
    const int choice = take_choice(in, 32);
    return choice < 24 ? usual : odd[choice - 24];
}

void take_numbers(input *in, double *numbers, int64_t count) {
    const int kind = take_choice(in, 4);
    double last = take_number(in);
    for (int64_t i = 0; i < count; ++i) {
        const double step = take_byte(in) / 64.0;
        if (kind < 3)
            numbers[i] = last = i == 0 ? last : kind == 1 ? last - step : last + step;
        else
            numbers[i] = take_number(in);
    }
}
