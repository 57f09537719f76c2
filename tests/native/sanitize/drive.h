/* drive.h - what the parts of the sanitizer drive share. */
#ifndef DRIVE_H
#define DRIVE_H
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                \
    do {                                                                                \
        if (!(condition)) {                                                             \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, where); \
            exit(1);                                                                    \
        }                                                                               \
    } while (0)

extern char where[100]; /* the case at hand, for CHECK */

void drive_linear_algebra(void);
void drive_codes(void);
void drive_odeint(void);
void drive_vode(void);
void drive_ensembles(void);
void drive_columns(void);
void drive_adjoint(void);

#endif
