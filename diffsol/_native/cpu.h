/* Which processor this is, as far as machine code made for it depends on that. */
#ifndef DS_CPU_H
#define DS_CPU_H

int ds_cpu(unsigned long long *words, int most); /* what the processor tells of itself; how many words */

/* Doubles in the widest vector that the processor and the system offer: 8, 4, 2 or 1. */
int ds_cpu_lanes(void);

#endif
