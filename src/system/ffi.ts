// SPDX-License-Identifier: GPL-2.0-only
// A typed face for LuaJIT's FFI: pointers, C types and C functions as TypeScript sees them.
//
// C types are made without names by `typeOf`, and C functions are declared by `declareC` beside the code that calls
// them, so that a module can be loaded twice (as busted does) without redefining anything.

/** A C pointer or array, counted from 0. Nothing checks its bounds. */
export interface Ptr<T> {
  [index: number]: T;
  /** A pointer `count` elements further. */
  readonly plus: LuaAdditionMethod<number, Ptr<T>>;
}

/** `uint8_t*`: passes wherever the wire layer wants `Bytes`. */
export type BytePtr = Ptr<number>;

/** A C type. Keep it in a module's constant: making one parses C, using one costs nothing. */
export interface CType<T> {
  /** Never present at run time: it ties the C type to its TypeScript shape. */
  readonly shape: T;
}

/** @noSelf */
interface NativeFfi {
  readonly C: unknown;
  cdef(declarations: string): void;
  typeof<T>(declaration: string): CType<T>;
  readonly new: <T>(type: CType<T>, count?: number) => T;
  cast<T>(type: CType<T>, value: unknown): T;
  string(pointer: unknown, lengthBytes?: number): string;
  copy(destination: unknown, source: unknown, lengthBytes: number): void;
  fill(destination: unknown, lengthBytes: number, byte?: number): void;
  sizeof(typeOrValue: unknown): number;
  gc<T>(value: T, finalizer: ((value: T) => void) | undefined): T;
  errno(): number;
  abi(feature: "le" | "64bit"): boolean;
}

const native = require("ffi") as NativeFfi;

/** The C type that `declaration` names, for instance `int[2]` or an anonymous `struct { … }`. */
export const typeOf = native.typeof;

/** Memory of a C type, zeroed, owned by the garbage collector: it lives as long as the value returned is reachable. */
export const create = native.new;

/** The same memory or number seen as another C type. Keeps nothing alive. */
export const cast = native.cast;

/** A Lua string made of `lengthBytes` bytes at a pointer, or of all bytes up to the first zero. */
export const stringOf = native.string;

/** Copies bytes: from a Lua string or a pointer to a pointer. */
export const copyBytes = native.copy;

/** Sets bytes, to zero when not told. */
export const fillBytes = native.fill;

/** The size in bytes of a C type or value. */
export const sizeOf = native.sizeof;

/** Has `finalizer` called when `value` is collected; `undefined` takes it back. */
export const onCollect = native.gc;

/** The error number of the last C call that failed. Read it before any other call. */
export const lastErrorNumber = native.errno;

/** Whether the CPU stores the low byte first. */
export const isLittleEndian = native.abi("le");

/** A C array of `T`s: the shape of types declared as `T[n]`, `T[?]` or `T*`. */
export const bytePointer = typeOf<BytePtr>("uint8_t*");

/** Bytes of a length given to {@link create}. */
export const byteArray = typeOf<BytePtr>("uint8_t[?]");

/** Declares C functions and gives the C library as an object that has them. */
export function declareC<Library>(declarations: string): Library {
  native.cdef(declarations);
  return native.C as Library;
}

/** A pointer to `bytes[at]`. Passed straight on to C or into a C structure, it costs no memory. */
export function pointerAt(bytes: BytePtr, at: number): BytePtr {
  return bytes.plus(at);
}

/** Swaps a 16-bit number into or out of network byte order, as C's htons. */
export function networkOrder16(value: number): number {
  if (!isLittleEndian) return value;
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}
