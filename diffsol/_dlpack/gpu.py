"""Arrays on a GPU: CuPy's, which is imported on use."""

from __future__ import annotations

from diffsol._dlpack.capsule import checked, content_of

TAKEN = "The array is on a GPU, which takes CuPy"
COPIED = " Or copy it: `diffsol.from_dlpack(x, device='cpu')`."


class Relay:
    """What CuPy asks for a capsule, and what is known of the capsule that it got.

    ask       called with CuPy's wishes, among them its stream
    device    (type, id)
    copy      as of `from_dlpack`
    content   of the capsule, once it was given
    """

    def __init__(self, ask, device, copy):
        self._ask, self._device, self._copy, self.content = ask, device, copy, None

    def __dlpack__(self, **wishes):
        capsule = checked(self._ask(**wishes))
        content = content_of(capsule)
        if content.is_read_only and self._copy is False:
            raise BufferError("The array must not be written to, which CuPy cannot keep: copy it.")
        self.content = content
        return capsule

    def __dlpack_device__(self):
        return self._device


def taken(ask, device, copy):
    """The array of the capsule that `ask` gives, when it is told CuPy's stream."""
    relay = Relay(ask, device, copy)
    try:
        found = _cupy(TAKEN, COPIED).from_dlpack(relay)
    except (TypeError, ValueError, RuntimeError) as error:
        if relay.content is None:
            raise  # not of what is in the capsule
        raise BufferError(f"The array cannot be taken: {error}") from error
    return found.copy() if relay.content.is_read_only and copy is None else found


def to_cuda(array, copy):
    if copy is False:
        raise ValueError("The array is in the processor's memory: on a GPU it is a copy.")
    return _cupy("A GPU takes CuPy").asarray(array)


def to_cpu(array, copy):
    if copy is False:
        raise ValueError("The array is on a GPU: in the processor's memory it is a copy.")
    return array.get()


def _cupy(need, way_out=""):
    try:
        import cupy
    except ImportError as error:
        raise NotImplementedError(
            f"{need}: pip install 'diffsol[cuda12]' (or cuda13).{way_out}"
        ) from error
    return cupy
