/* direction.h - the sign of the time that a solve has to pass. */
#ifndef DS_DIRECTION_H
#define DS_DIRECTION_H

static inline double ds_direction(double t0, double t_bound) {
    if (t0 == t_bound || t_bound > t0) return 1;
    return t_bound < t0 ? -1 : t_bound - t0; /* nan stays nan: the first step then fails */
}

#endif
