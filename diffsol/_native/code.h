/* Machine code made at run time: memory that can be executed and, from then on, not written. */
#ifndef DS_CODE_H
#define DS_CODE_H

#include <stddef.h>

void *ds_code_new(const void *image, size_t size); /* a copy that can be called; NULL: not allowed */
void ds_code_free(void *memory, size_t size);      /* what ds_code_new gave for that size */

#endif
