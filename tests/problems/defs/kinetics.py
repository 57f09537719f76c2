"""Chemical kinetics of moderate size."""
import numpy as np

IMPLICIT = ("Radau", "BDF", "LSODA")

# Rate constants k1 ... k25 of Verwer (1994); ppm and minutes.
RATES = (0.35, 26.6, 1.23e4, 8.6e-4, 8.2e-4, 1.5e4, 1.3e-4, 2.4e4, 1.65e4, 9e3, 0.022, 1.2e4, 1.88,
         1.63e4, 4.8e6, 3.5e-4, 0.0175, 1e8, 4.44e11, 1240.0, 2.1, 5.78, 0.0474, 1780.0, 3.12)


# --- Pollution --------------------------------------------------------------

def pollution(t, y):
    (no2, no, o3p, o3, ho2, oh, hcho, co, ald, meo2,
     c2o3, co2, pan, ch3o, hno3, o1d, so2, so4, no3, n2o5) = y
    r = np.array(RATES) * np.array([
        no2, no * o3, ho2 * no, hcho, hcho, hcho * oh, ald, ald * oh, c2o3 * no, c2o3 * no2,
        pan, meo2 * no, ch3o, no2 * oh, o3p, o3, o3, o1d, o1d, so2 * oh,
        no3, no3, no2 * o3, no3 * no2, n2o5])
    (r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13,
     r14, r15, r16, r17, r18, r19, r20, r21, r22, r23, r24, r25) = r
    return [
        r2 + r3 + r9 + r11 + r12 + r22 + r25 - r1 - r10 - r14 - r23 - r24,
        r1 + r21 - r2 - r3 - r9 - r12,
        r1 + r17 + r19 + r22 - r15,
        r15 - r2 - r16 - r17 - r23,
        2 * r4 + r6 + r7 + r13 + r20 - r3,
        r3 + 2 * r18 - r6 - r8 - r14 - r20,
        r13 - r4 - r5 - r6,
        r4 + r5 + r6 + r7,
        -r7 - r8,
        r7 + r9 - r12,
        r8 + r11 - r9 - r10,
        r9,
        r10 - r11,
        r12 - r13,
        r14,
        r16 - r18 - r19,
        -r20,
        r20,
        r23 + r25 - r21 - r22 - r24,
        r24 - r25,
    ]


PROBLEMS = [
    dict(name="pollution", kind="stiff", title="Air pollution chemistry, 20 species",
         fun=pollution,
         y0=[0, 0.2, 0, 0.04, 0, 0, 0.1, 0.3, 0.01, 0, 0, 0, 0, 0, 0, 0, 0.007, 0, 0, 0],
         t_span=(0.0, 60.0), methods=IMPLICIT, atol_factor=1e-3, log_out=1e-2, n_out=24,
         source="Verwer, SIAM J. Sci. Comput. 15 (1994); Test Set for IVP Solvers, POLLU",
         extra=dict(published={1: 0.5646255480022769e-1, 2: 0.1342484130422339, 4: 0.5523140207484359e-2,
                               7: 0.7784249118997964e-1, 8: 0.3245075353396018, 9: 0.7494013383880406e-2})),
]
