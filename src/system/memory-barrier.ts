// SPDX-License-Identifier: GPL-2.0-only
// Orders accesses to memory that is shared with the kernel on another CPU.
//
// Lua has no fences. Releasing and taking a lock of the C library has the effect of one: the release waits for all
// accesses before it, and those after the taking wait for it. Uncontended it is a few atomic instructions, and one
// barrier serves a whole burst of frames. x86 keeps loads and stores in the order that is needed here by itself.

import { byteArray, type BytePtr, create, declareC } from "./ffi";

/** @noSelf */
interface MutexLibrary {
  pthread_mutex_lock(mutex: BytePtr): number;
  pthread_mutex_unlock(mutex: BytePtr): number;
}

const C = declareC<MutexLibrary>("int pthread_mutex_lock(void *mutex); int pthread_mutex_unlock(void *mutex);");

/** Larger than pthread_mutex_t anywhere (48 bytes at most); zeros are a fresh lock with glibc and musl. */
const MUTEX_BYTES = 64;

const isOrdered = jit.arch === "x64" || jit.arch === "x86";
const mutex = create(byteArray, MUTEX_BYTES);
// Held except within a barrier, so that a barrier is a release followed by a taking.
if (!isOrdered) C.pthread_mutex_lock(mutex);

/** No access before it is seen after one that follows it. */
export function memoryBarrier(): void {
  if (isOrdered) return;
  C.pthread_mutex_unlock(mutex);
  C.pthread_mutex_lock(mutex);
}
