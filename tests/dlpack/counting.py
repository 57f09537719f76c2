"""A deleter and destructors of capsules in machine code, as producers have them: they count, and need no Python.

Such code runs with an exception pending, on threads that Python does not know, and while the interpreter ends;
Python's own, by ctypes, would do none of these.
"""

import ctypes

import llvmlite.binding as llvm

# Where things stand: DLManagedTensor has its context at 48 and deleter at 56, the versioned one at 8 and 16.
TEXT = """
@legacy = private constant [9 x i8] c"dltensor\\00"
@versioned = private constant [19 x i8] c"dltensor_versioned\\00"
declare i32 @PyCapsule_IsValid(ptr, ptr)
declare ptr @PyCapsule_GetPointer(ptr, ptr)

define void @count(ptr %counter) {
  %old = atomicrmw add ptr %counter, i64 1 seq_cst
  ret void
}
define void @delete_legacy(ptr %managed) {
  %place = getelementptr i8, ptr %managed, i64 48
  %context = load ptr, ptr %place
  call void @count(ptr %context)
  ret void
}
define void @delete_versioned(ptr %managed) {
  %place = getelementptr i8, ptr %managed, i64 8
  %context = load ptr, ptr %place
  call void @count(ptr %context)
  ret void
}
define void @drop(ptr %capsule, ptr %name, i64 %deleter_at) {
  %valid = call i32 @PyCapsule_IsValid(ptr %capsule, ptr %name)
  %unused = icmp ne i32 %valid, 0
  br i1 %unused, label %owner, label %end
owner:
  %managed = call ptr @PyCapsule_GetPointer(ptr %capsule, ptr %name)
  %place = getelementptr i8, ptr %managed, i64 %deleter_at
  %deleter = load ptr, ptr %place
  %none = icmp eq ptr %deleter, null
  br i1 %none, label %end, label %has
has:
  call void %deleter(ptr %managed)
  br label %end
end:
  ret void
}
define void @drop_legacy(ptr %capsule) {
  call void @drop(ptr %capsule, ptr @legacy, i64 56)
  ret void
}
define void @drop_versioned(ptr %capsule) {
  call void @drop(ptr %capsule, ptr @versioned, i64 16)
  ret void
}
"""


def _compiled():
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name in ("PyCapsule_IsValid", "PyCapsule_GetPointer"):
        llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(TEXT), machine)
    engine.finalize_object()
    return engine


_engine = _compiled()
# capsules may outlive this module at the interpreter's end, and its code must not go before them
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_engine))

DELETE_LEGACY = _engine.get_function_address("delete_legacy")
DELETE_VERSIONED = _engine.get_function_address("delete_versioned")
DROP_LEGACY = _engine.get_function_address("drop_legacy")
DROP_VERSIONED = _engine.get_function_address("drop_versioned")
