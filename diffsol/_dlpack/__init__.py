"""Exchange of arrays by DLPack: what `diffsol.dlpack` is made of."""
